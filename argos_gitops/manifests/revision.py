"""One revision as a whole: names that are unique, references that lead somewhere, rules of providers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from argos_gitops.manifests.attachments import Attachments, FolderUse, bound_resource
from argos_gitops.manifests.problems import Code, Finding
from argos_gitops.manifests.references import Reference
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.resources import KindwiseResources
from argos_gitops.manifests.secrets import SecretUse
from argos_gitops.manifests.wording import did_you_mean, shown, where
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource

_GUESSES = 20
"""How many dangling references get a guess at what was meant; with thousands of names each is slow."""


class Held(NamedTuple):
    """A resource with what is known of it beyond its model: which document of its file it is, what it
    names, how a kept tree holds it, and which secrets and folders of the repository it needs."""

    resource: AnyResource
    number: int
    references: tuple[Reference, ...]
    encoded: bytes
    secrets: tuple[SecretUse, ...] = ()
    folders: tuple[FolderUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: what came out of the bytes of `blob` under `path`."""

    path: str
    blob: str
    held: tuple[Held, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: tuple[tuple[int, Finding], ...] = ()
    claimed: tuple[tuple[str, str], ...] = ()
    unread_names: tuple[str, ...] = ()

    @property
    def foreign(self) -> bool:
        """Whether nothing in it is, or was meant to be, a resource."""
        return not (self.held or self.claimed)


Named = dict[str, Held]
Dangling = tuple[Held, Reference]


@dataclass(slots=True)
class Whole:
    """All entries together. `findings` (by path) still have to be given their lines."""

    kinds: dict[str, Named] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    findings: dict[str, list[tuple[int, Finding]]] = field(default_factory=dict)

    def resources(self, fingerprint: str) -> KindwiseResources:
        return _resources(self.kinds, fingerprint)

    def which(self, wanted: Callable[[Held], object]) -> Iterator[Held]:
        return (held for named in self.kinds.values() for held in named.values() if wanted(held))

    def tell(self, held: Held, finding: Finding) -> None:
        self.findings.setdefault(held.resource.location.path, []).append((held.number, finding))

    def bind(self, attachments: Attachments) -> None:
        """Binds each reference to a secret or a folder to the content that it has in this revision."""
        for held in list(self.which(lambda held: held.secrets or held.folders)):
            key = held.resource.key
            self.kinds[key.kind][key.name] = held._replace(
                resource=bound_resource(held.resource, attachments)
            )


def whole(entries: Sequence[Entry], registry: KindRegistry) -> Whole:
    """Puts the files of a revision together and finds what is wrong between them."""
    found = Whole()
    for entry in entries:
        found.problems += entry.problems
        if entry.findings:
            found.findings.setdefault(entry.path, []).extend(entry.findings)
        for held in entry.held:
            _add(found, held)
    found.kinds = {kind: dict(sorted(found.kinds[kind].items())) for kind in sorted(found.kinds)}
    found.problems += _several_agents(found.kinds.get(AgentSpec.kind, {}))
    dangling = list(_dangling(found.kinds))
    _tell_dangling(found, dangling, entries)
    sound = _resources(_sound(found.kinds, dangling), "")
    for check in registry.checks:
        found.problems += check(sound)
    return found


def _add(found: Whole, held: Held) -> None:
    key = held.resource.key
    named = found.kinds.setdefault(key.kind, {})
    first = named.setdefault(key.name, held)
    if first is not held:
        message = f"{key} is defined at {first.resource.location} already; rename or remove one of them"
        found.problems.append(Problem(held.resource.location, Code.DUPLICATE_RESOURCE, message))


def _several_agents(agents: Named) -> Iterator[Problem]:
    locations = sorted(held.resource.location for held in agents.values())
    for location in locations[1:]:
        message = f"there is an Agent at {locations[0]} already; a repository has at most one"
        yield Problem(location, Code.SEVERAL_AGENTS, message)


def _tell_dangling(found: Whole, dangling: Sequence[Dangling], entries: Iterable[Entry]) -> None:
    if not dangling:
        return
    claimed = {claim for entry in entries for claim in entry.claimed}
    unread = {name for entry in entries for name in entry.unread_names}
    guesses = _Guesses(found.kinds)
    for held, reference in dangling:
        if (reference.kind, reference.name) in claimed or reference.name in unread:
            continue  # what is named has problems of its own, which are told
        message = (
            f"{where(reference.pointer)}: there is no {reference.kind} {shown(reference.name)}"
            f"{guesses.near(reference)}"
        )
        finding = Finding(reference.pointer, Code.MISSING_REFERENCE, message)
        found.tell(held, finding)


def _dangling(kinds: Mapping[str, Named]) -> Iterator[Dangling]:
    nothing: Named = {}
    for named in kinds.values():
        for held in named.values():
            for reference in held.references:
                if reference.name not in kinds.get(reference.kind, nothing):
                    yield held, reference


class _Guesses:
    """What dangling references may have meant."""

    def __init__(self, kinds: Mapping[str, Named]) -> None:
        self._kinds = kinds
        self._known: dict[tuple[str, str], str] = {}

    def near(self, reference: Reference) -> str:
        missing = (reference.kind, reference.name)
        if missing not in self._known and len(self._known) < _GUESSES:
            self._known[missing] = did_you_mean(reference.name, self._kinds.get(reference.kind, {}))
        return self._known.get(missing, "")


def _sound(kinds: dict[str, Named], dangling: Sequence[Dangling]) -> dict[str, Named]:
    """Without resources that name what is not there, nor those that name them, and so on: rules need
    not ask whether what a resource names exists."""
    while dangling:
        broken = {(held.resource.key.kind, held.resource.key.name) for held, _ in dangling}
        kinds = {
            kind: {name: held for name, held in named.items() if (kind, name) not in broken}
            for kind, named in kinds.items()
        }
        dangling = list(_dangling(kinds))
    return kinds


def _resources(kinds: Mapping[str, Named], fingerprint: str) -> KindwiseResources:
    counts = {kind: len(named) for kind, named in kinds.items()}
    return KindwiseResources(fingerprint, counts, {kind: _Builder(named) for kind, named in kinds.items()})


class _Builder:
    """Strips what only this room needs from the resources of a kind."""

    def __init__(self, named: Named) -> None:
        self._named = named

    def __call__(self) -> Mapping[str, AnyResource]:
        return {name: held.resource for name, held in self._named.items()}
