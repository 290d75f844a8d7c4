"""Drift as changes of the repository: live values written into the files, and proved to mean just that."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, join

from argos_gitops.manifests.editing import FileEdits, edit_file
from argos_gitops.model.adoption import Adoption, Edit
from argos_gitops.model.change import Change
from argos_gitops.model.objects import Content, ObjectSet
from argos_gitops.model.plan import PROPOSED
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.planning.render.proposal import body_of, title_of
from argos_gitops.ports.proposal import Proposal
from argos_gitops.ports.provider import DesiredState
from argos_gitops.ports.source import Snapshot
from argos_gitops.reconcile.edited import EditedSnapshot
from argos_gitops.reconcile.look import Look
from argos_gitops.reconcile.parts import Loaded

_MOST = 5
"""So many owners on one system get a proposal each; more share one, or nobody could read them all."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """What can be proposed, and why other drift cannot, by system and object."""

    proposals: tuple[Proposal, ...]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Said:
    change: Change
    adoption: Adoption


class Drafter:
    """Drafts for one revision. What is proposed compiles to just what is live, and changes nothing else."""

    def __init__(
        self, snapshot: Snapshot, load: Callable[[Snapshot], Loaded], resources: ResourceSet
    ) -> None:
        self._snapshot = snapshot
        self._load = load
        self._resources = resources
        self._blobs = {file.path: file.blob for file in snapshot.files()}

    def of(self, looks: Iterable[Look]) -> Drafts:
        """For all drift that is to be proposed."""
        found = [self._of(look) for look in looks]
        proposals = tuple(proposal for drafts in found for proposal in drafts.proposals)
        return Drafts(proposals, {what: why for drafts in found for what, why in drafts.failed.items()})

    def _of(self, look: Look) -> Drafts:
        proposals: list[Proposal] = []
        failed: dict[str, str] = {}
        for key, said in self._groups(look):
            files, wrong = self._proved(look, said)
            failed |= wrong
            changes = [each.change for each in said if each.change.object_id not in wrong]
            if files and changes:
                target, revision = look.system.target.key, self._snapshot.revision.sha
                proposals.append(Proposal(key, revision, title_of(changes), body_of(target, changes), files))
        return Drafts(tuple(proposals), {f"{look.system.key} {each}": why for each, why in failed.items()})

    def _groups(self, look: Look) -> Iterator[tuple[str, list[_Said]]]:
        owners: dict[ResourceKey, list[_Said]] = {}
        for held in look.plan.held:
            if held.reason == PROPOSED:
                found = look.system.provider.adopt(held.change, DesiredState(self._resources))
                if isinstance(found, Adoption):
                    owners.setdefault(held.change.owner, []).append(_Said(held.change, found))
        if len(owners) <= _MOST:
            yield from ((_slug(owner), said) for owner, said in owners.items())
        else:
            key = f"{_slug(look.system.target.key)}-{look.system.key.provider}"
            yield key, [each for said in owners.values() for each in said]

    def _proved(self, look: Look, said: Sequence[_Said]) -> tuple[Mapping[str, bytes], dict[str, str]]:
        """The files, and what had to be left out of them and why."""
        wrong = {each.change.object_id: why for each in said if (why := self._unwritten(each.adoption))}
        said = [each for each in said if each.change.object_id not in wrong]
        while said:
            files = self._edited(said)
            found = self._faults(look, said, files)
            if not found:
                return files or {}, wrong
            wrong |= found
            said = [each for each in said if each.change.object_id not in wrong]
        return {}, wrong

    def _faults(self, look: Look, said: Sequence[_Said], files: Mapping[str, bytes] | None) -> dict[str, str]:
        """Why single changes, or all of them, cannot be proposed."""
        everything = [each.change.object_id for each in said]
        if files is None:
            return dict.fromkeys(everything, "the file cannot be edited without harm to something else in it")
        loaded = self._load(EditedSnapshot(self._snapshot, files))
        if loaded.problems:
            return dict.fromkeys(everything, f"the result would not be valid: {loaded.problems[0].message}")
        if look.live is None or look.objects is None:
            return dict.fromkeys(everything, "the system was not looked at")
        compiled = look.system.provider.compile(DesiredState(loaded.resources), look.live)
        wanted = {each.change.object_id: each.change.before for each in said}
        off = _differing(look.objects, compiled, wanted)
        mine = [object_id for object_id in everything if object_id in off]
        why = "the configuration language cannot say exactly what is live"
        if off and not mine:
            why = f"{sorted(off)[0]} would change with it"
        return dict.fromkeys(mine or (everything if off else ()), why)

    def _edited(self, said: Sequence[_Said]) -> dict[str, bytes] | None:
        edits: dict[str, FileEdits] = {}
        for path, more in (pair for each in said for pair in self._by_file(each.adoption)):
            edits[path] = _merged(edits.get(path, FileEdits()), more)
        contents = dict(self._contents(list(edits)))
        files = {path: edit_file(contents.get(path, b""), each) for path, each in edits.items()}
        made = {path: data for path, data in files.items() if data is not None}
        return made if len(made) == len(files) else None

    def _by_file(self, adoption: Adoption) -> Iterator[tuple[str, FileEdits]]:
        for key, edits in adoption.edits.items():
            yield self._path_of(key), FileEdits({key: edits})
        for key in adoption.removed:
            yield self._path_of(key), FileEdits(removed=(key,))
        for document in adoption.added:
            yield self._place_for(document), FileEdits(added=(document,))

    def _unwritten(self, adoption: Adoption) -> str:
        """Why it cannot be said: nobody wrote the resource, which follows from others."""
        found = [self._resources.get(key) for key in (*adoption.edits, *adoption.removed)]
        return next(
            (f"it follows from {each.derived_from}" for each in found if each and each.derived_from), ""
        )

    def _path_of(self, key: ResourceKey) -> str:
        resource = self._resources.get(key)
        return resource.location.path if resource is not None else ""

    def _place_for(self, document: Mapping[str, Content]) -> str:
        """Beside others of its kind: in their file where several share one, else in a file of its own."""
        kind, name = document["kind"], document["metadata"]["name"]
        others = self._resources.of_kind(kind).values()
        paths = [each.location.path for each in others if each.derived_from is None]
        fullest = max(sorted(set(paths)), key=paths.count, default="")
        if paths.count(fullest) > 1:
            return fullest
        return join(dirname(fullest) if fullest else f"{kind.lower()}s", f"{name}.yaml")

    def _contents(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        blobs = {path: self._blobs[path] for path in paths if path in self._blobs}
        contents = dict(self._snapshot.read(list(dict.fromkeys(blobs.values()))))
        return ((path, contents[blob]) for path, blob in blobs.items())


def _differing(before: ObjectSet, after: ObjectSet, wanted: Mapping[str, Content]) -> set[str]:
    """The objects that are not what they should be: as they are live, or else as they were."""
    expected = {**{object_id: each.content for object_id, each in before.items()}, **wanted}
    found = {object_id: each.content for object_id, each in after.items()}
    return {each for each in expected.keys() | found.keys() if expected.get(each) != found.get(each)}


def _merged(one: FileEdits, other: FileEdits) -> FileEdits:
    changed: dict[ResourceKey, tuple[Edit, ...]] = {key: tuple(edits) for key, edits in one.changed.items()}
    for key, edits in other.changed.items():
        changed[key] = (*changed.get(key, ()), *edits)
    return FileEdits(changed, (*one.removed, *other.removed), (*one.added, *other.added))


def to_be_proposed(look: Look) -> bool:
    return any(held.reason == PROPOSED for held in look.plan.held)


def _slug(key: ResourceKey) -> str:
    return f"{key.kind.lower()}-{key.name}"
