"""What stands on the branch now, and what has to change in it. The comparison is pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count

from argos_gitops.status.memory import NOTHING, Memory, from_data
from argos_gitops.status.resources import FOLDER, Document
from argos_gitops.status.times import without_times
from argos_gitops.vcs.repository import Repository

STATUS, README, DRIFT, PLANS = "status.yaml", "README.md", "drift.md", "plans"


@dataclass(frozen=True, slots=True)
class Tree:
    """Blob ids by path, and what status.yaml remembers."""

    blobs: Mapping[str, str] = field(default_factory=dict)
    memory: Memory = NOTHING

    def plans(self) -> dict[str, str]:
        return {path: blob for path, blob in self.blobs.items() if path.startswith(f"{PLANS}/")}

    def plans_beside(self, other: "Tree") -> "Tree":
        """Our plans that `other` lacks, under names that it does not use for different ones."""
        paths: dict[str, str] = {}
        blobs: dict[str, str] = {}
        for path, blob in self.plans().items():
            if other.blobs.get(path) != blob:
                paths[path] = free_path(path.removesuffix(".md"), other.blobs.keys() | blobs.keys())
                blobs[paths[path]] = blob
        notes = [replace(note, path=paths.get(note.path, note.path)) for note in self.memory.plans]
        return Tree(blobs, replace(self.memory, plans=tuple(notes)))


EMPTY = Tree()


@dataclass(frozen=True, slots=True)
class Difference:
    """What one commit changes: new bytes, blobs that are there already, and what goes."""

    writes: Mapping[str, bytes]
    links: Mapping[str, str]
    removals: frozenset[str]

    def after(self, tree: Tree, wanted: Mapping[str, Document], memory: Memory) -> Tree:
        """The tree that the commit makes of `tree`."""
        blobs = {path: blob for path, blob in tree.blobs.items() if path not in self.removals}
        blobs |= self.links
        blobs |= {path: wanted[path].blob for path in self.writes}
        return Tree(blobs, memory)


def read_tree(repository: Repository, commit: str | None) -> Tree:
    """Raises GitError when the commit cannot be read."""
    if commit is None:
        return EMPTY
    blobs = {file.path: file.blob for file in repository.entries(commit)}
    status = blobs.get(STATUS)
    return Tree(blobs, _memory(repository, status) if status else NOTHING)


def parse_status(content: bytes) -> Mapping[str, object]:
    """The data of a status.yaml; ValueError when it is not one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe").load(content.decode())
    except YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ValueError("not a mapping")
    return data


def difference(
    repository: Repository, tree: Tree, wanted: Mapping[str, Document], kept: Collection[str] | None
) -> Difference | None:
    """How `tree` becomes `wanted`, or None when only times would move.

    Documents of resources that are neither wanted nor `kept` go; None keeps all of them.
    """
    writes = {path: page.content for path, page in wanted.items() if tree.blobs.get(path) != page.blob}
    present = {path for path in tree.blobs if path.startswith(f"{FOLDER}/")}
    gone = set() if kept is None else present - wanted.keys() - set(kept)
    if not gone and not _differs(repository, tree, writes):
        return None
    return Difference(writes, {}, frozenset(gone))


def _differs(repository: Repository, tree: Tree, writes: Mapping[str, bytes]) -> bool:
    """Whether anything but times does."""
    if writes.keys() - tree.blobs.keys():
        return True
    paths = list(writes)
    old = repository.read_blobs([tree.blobs[path] for path in paths]) if paths else ()
    return any(
        without_times(content) != without_times(writes[path])
        for path, (_, content) in zip(paths, old, strict=True)
    )


def free_path(stem: str, taken: Collection[str]) -> str:
    """The page `stem`, with a number where there is another of that name."""
    numbered = (f"{stem}-{number}.md" for number in count(2))
    return next(path for path in chain([f"{stem}.md"], numbered) if path not in taken)


def outdated_plans(paths: Iterable[str], keep: int) -> frozenset[str]:
    """Their names begin with their time: all but the newest `keep`."""
    return frozenset(sorted(paths)[:-keep])


def _memory(repository: Repository, blob: str) -> Memory:
    ((_, content),) = repository.read_blobs([blob])
    try:
        return from_data(parse_status(content))
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return NOTHING  # somebody edited it; the next commit puts it right
