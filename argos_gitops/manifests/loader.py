"""The loader: files of a revision in, typed resources and every problem out.

It lives over many passes and remembers each file by its blob, so that work follows what changed. A
process that starts afresh finds the same in a ParseCache, down to whole trees that are known to be
valid and of which only the kinds that somebody asks for are built.
"""

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import orjson
from pydantic import ValidationError

from argos_gitops.manifests.attachments import (
    Attachments,
    bound_resource,
    folder_files,
    folder_finding,
    folder_uses,
)
from argos_gitops.manifests.cache import ForgetfulCache, KeptTree, ParseCache, Remembered
from argos_gitops.manifests.facts import FactFinder, Facts, Sound
from argos_gitops.manifests.layout import hidden_links, sift
from argos_gitops.manifests.limits import MAX_FILE_BYTES
from argos_gitops.manifests.problems import Code, Finding, Flaw
from argos_gitops.manifests.references import references
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.resources import KindwiseResources
from argos_gitops.manifests.revision import Entry, Held, Whole, whole
from argos_gitops.manifests.schema import DocumentModels, schema_version
from argos_gitops.manifests.secrets import SealedFiles, sealed_uses
from argos_gitops.manifests.typed import Typist, wrong
from argos_gitops.manifests.workers import find_facts
from argos_gitops.model.errors import ManifestError
from argos_gitops.model.folder import FolderFile
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, ResourceSet
from argos_gitops.model.source import SourceFile

Read = Callable[[Sequence[str]], Iterable[tuple[str, bytes]]]
"""The content of blobs by id, as one batch."""

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Loaded:
    """One revision. With problems, `resources` holds what could be made out all the same.

    `attached` is what resources name beside their own text. `warnings` reject nothing.
    """

    resources: ResourceSet
    problems: tuple[Problem, ...]
    attached: Attachments = field(default_factory=Attachments)
    warnings: tuple[Problem, ...] = ()


class Loader:
    """Loads revision after revision. Not for several threads at a time.

    `workers` bounds the processes that parse many new files (None: one a core). `build` identifies
    the code, so that nothing kept by other code is believed; without it the schemas are compared,
    which costs some 50 ms.
    """

    def __init__(
        self,
        registry: KindRegistry,
        cache: ParseCache | None = None,
        workers: int | None = None,
        *,
        build: str | None = None,
    ) -> None:
        models = DocumentModels(registry.kinds)
        self._registry = registry
        self._workers = workers
        self._version = schema_version(registry, build)
        self._remembered = Remembered(cache or ForgetfulCache(), self._version)
        self._finder = FactFinder(models)
        self._typist = Typist(models)
        self._entries: dict[str, Entry] = {}
        self._sealed = SealedFiles()
        self._last: tuple[str, Loaded] | None = None
        self._unkept: tuple[str, Loaded, Whole] | None = None

    def load(self, files: Sequence[SourceFile], read: Read, tree: str) -> Loaded:
        """All resources and all problems of the revision whose configuration folder is `tree`.

        Equal trees must mean equal files. Whatever `read` raises comes through.
        """
        if self._last is None or self._last[0] != tree:
            self._last = None  # so that the old resources go before the new ones are built
            self._last = (tree, self._kept(tree) or self._load(files, read, tree))
        return self._last[1]

    def _load(self, files: Sequence[SourceFile], read: Read, tree: str) -> Loaded:
        configuration, problems = sift(files)
        self._entries = self._entries_of(configuration, read)
        entries, warnings = _ours(self._entries.values())
        found = whole(entries, self._registry)
        attached = Attachments(self._sealed_files(found, files, read), _folders(found, files))
        found.bind(attached)
        problems += found.problems
        problems += _located(found.findings, self._entries, read)
        resources = found.resources(self._fingerprint(entries, attached))
        loaded = Loaded(resources, tuple(sorted(problems)), attached, tuple(sorted(warnings)))
        if not (problems or warnings):
            self._unkept = (tree, loaded, found)
        return loaded

    def _sealed_files(self, found: Whole, files: Sequence[SourceFile], read: Read) -> Mapping[str, str]:
        """Checks what resources name in SOPS files; the blobs of those files by path."""
        using = list(found.which(lambda held: held.secrets))
        there = {file.path: file for file in files} if using else {}
        paths = sorted({use.ref.path for held in using for use in held.secrets} & there.keys())
        readable = [there[path] for path in paths if there[path].size <= MAX_FILE_BYTES]
        self._sealed.learn(readable, dict(read(self._sealed.unknown(readable))))
        for held in using:
            for use in held.secrets:
                if finding := self._sealed.finding(use, there):
                    found.tell(held, finding)
        return {path: there[path].blob for path in paths}

    def keep(self) -> None:
        """Keeps the last valid tree whole for processes to come; apart from `load`, whose caller waits."""
        unkept, self._unkept = self._unkept, None
        if unkept is not None:
            tree, loaded, found = unkept
            documents = {kind: _joined(named.values()) for kind, named in found.kinds.items()}
            counts = dict(loaded.resources.kinds())
            folders = {
                path: [(each.path, each.blob, each.mode, each.size) for each in files]
                for path, files in loaded.attached.folders.items()
            }
            sealed = dict(loaded.attached.sealed)
            kept = KeptTree(loaded.resources.fingerprint, counts, documents, sealed, folders)
            self._remembered.keep_tree(tree, kept)

    def _entries_of(self, files: Sequence[SourceFile], read: Read) -> dict[str, Entry]:
        """An entry for each file by its path; only files that are new here are looked at."""
        known = self._entries
        entries = {
            file.path: entry for file in files if (entry := known.get(file.path)) and entry.blob == file.blob
        }
        fresh = [file for file in files if file.path not in entries]
        by_blob: dict[str, list[SourceFile]] = {}
        for file in fresh:
            if file.size > MAX_FILE_BYTES:
                entries[file.path] = _too_large(file)
            else:
                by_blob.setdefault(file.blob, []).append(file)
        for number, (blob, encoded) in enumerate(self._facts(by_blob, read), start=1):
            facts = Facts.decode(encoded)
            for file in by_blob[blob]:
                entries[file.path] = self._entry(file, facts)
            if number % _BATCH == 0:
                # What was just made lives long: the garbage collector need not walk it again and again.
                gc.freeze()
        return {file.path: entries[file.path] for file in files} if fresh else entries

    def _facts(self, blobs: Mapping[str, object], read: Read) -> Iterator[tuple[str, bytes]]:
        """Facts of each blob: remembered, or else found and remembered."""
        new = dict.fromkeys(blobs)
        for blob, encoded in self._remembered.facts(list(blobs)):
            del new[blob]
            yield blob, encoded
        if not new:
            return
        with closing(find_facts(self._finder, iter(read(list(new))), len(new), self._workers)) as found:
            while batch := list(islice(found, _BATCH)):
                yield from batch
                self._remembered.keep_facts(batch)

    def _entry(self, file: SourceFile, facts: Facts) -> Entry:
        held: list[Held] = []
        findings: list[tuple[int, Finding]] = []
        claimed = list(facts.claimed)
        for sound in facts.documents:
            try:
                held.append(self._held(file.path, sound))
            except ValidationError as error:
                findings += [(sound.number, finding) for finding in wrong(error, sound.content)]
                claimed.append((sound.content["kind"], sound.content["metadata"]["name"]))
        return Entry(
            file.path,
            file.blob,
            tuple(held),
            tuple(_problem(file.path, flaw) for flaw in facts.flaws),
            tuple(findings),
            tuple(claimed),
            tuple(facts.unread_names),
        )

    def _held(self, path: str, sound: Sound) -> Held:
        resource = self._typist.resource(path, sound)
        # A copy, because what orjson gives keeps its working buffer: 4 KiB for a document of 300 bytes.
        encoded = bytes(memoryview(orjson.dumps([path, *sound]))) if path.isprintable() else b""
        uses = sealed_uses(resource.spec)
        folders = folder_uses(resource.spec)
        return Held(resource, sound.number, references(resource.spec), encoded, uses, folders)

    def _fingerprint(self, entries: Iterable[Entry], attached: Attachments) -> str:
        digest = hashlib.blake2b(self._version.encode(), digest_size=16)
        listing = "\n".join(f"{entry.blob} {entry.path}" for entry in entries)
        listing += "".join(f"\n{line}" for line in attached.listing())
        digest.update(listing.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _kept(self, tree: str) -> Loaded | None:
        """The tree as an earlier process kept it; a process that has files of its own is as fast."""
        kept = None if self._entries else self._remembered.tree(tree)
        if kept is None:
            return None
        folders = {path: tuple(map(FolderFile._make, files)) for path, files in kept.folders.items()}
        attached = Attachments(kept.sealed, folders)
        builders = {
            kind: _KeptKind(self._typist, encoded, attached) for kind, encoded in kept.documents.items()
        }
        return Loaded(KindwiseResources(kept.fingerprint, kept.counts, builders), (), attached)


class _KeptKind:
    """Builds the resources of one kind of a kept tree."""

    def __init__(self, typist: Typist, encoded: bytes, attached: Attachments) -> None:
        self._typist = typist
        self._encoded = encoded
        self._attached = attached

    def __call__(self) -> Mapping[str, AnyResource]:
        built = (self._resource(path, Sound(*sound)) for path, *sound in orjson.loads(self._encoded))
        return {resource.name: resource for resource in built}

    def _resource(self, path: str, sound: Sound) -> AnyResource:
        try:
            return bound_resource(self._typist.resource(path, sound), self._attached)
        except ValidationError as error:
            location = Location(path, sound.line, sound.column)
            problems = [Problem(location, each.code, each.message) for each in wrong(error, sound.content)]
            raise ManifestError(problems) from None


def _ours(entries: Iterable[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Without files that belong to somebody else: those in a folder that a resource names, and in which
    nothing is a resource. What looks like a resource all the same is a warning."""
    entries = list(entries)
    prefixes = tuple(
        {f"{use.folder.path}/" for each in entries for held in each.held for use in held.folders}
    )
    ours: list[Entry] = []
    warnings: list[Problem] = []
    for entry in entries:
        if entry.foreign and entry.path.startswith(prefixes):
            warnings += map(_passed_over, _foreign_resources(entry))
        else:
            ours.append(entry)
    return ours, warnings


def _foreign_resources(entry: Entry) -> list[Problem]:
    return [problem for problem in entry.problems if problem.code == Code.FOREIGN_RESOURCE]


def _passed_over(problem: Problem) -> Problem:
    named = problem.message.partition(";")[0]
    return Problem(
        problem.location, problem.code, f"{named}; it is not looked at, as the folder is a Stack's"
    )


def _folders(found: Whole, files: Sequence[SourceFile]) -> Mapping[str, tuple[FolderFile, ...]]:
    """Checks the folders that resources name; their files by path."""
    folders: dict[str, tuple[FolderFile, ...]] = {}
    for held in list(found.which(lambda held: held.folders)):
        for use in held.folders:
            if use.folder.path not in folders:
                folders[use.folder.path] = folder_files(use.folder.path, files)
                found.problems += hidden_links(use.folder.path, files)
            if finding := folder_finding(use, folders[use.folder.path]):
                found.tell(held, finding)
    return folders


def _joined(named: Iterable[Held]) -> bytes:
    return b"[" + b",".join(held.encoded for held in named) + b"]"


def _too_large(file: SourceFile) -> Entry:
    from argos_gitops.manifests.reading import too_large

    return Entry(file.path, file.blob, problems=(_problem(file.path, too_large(file.size)),))


def _problem(path: str, flaw: Flaw) -> Problem:
    return Problem(Location(path, flaw.line, flaw.column), flaw.code, flaw.message)


def _located(
    findings: Mapping[str, list[tuple[int, Finding]]], entries: Mapping[str, Entry], read: Read
) -> Iterator[Problem]:
    """Findings with their lines, for which the files are read once more."""
    if not findings:
        return
    from argos_gitops.manifests.places import located

    paths: dict[str, list[str]] = {}
    for path in findings:
        paths.setdefault(entries[path].blob, []).append(path)
    for blob, data in read(list(paths)):
        for path in paths[blob]:
            yield from (_problem(path, flaw) for flaw in located(data, findings[path]))
