"""The files of a Stack: as they stand in git, with placeholders, or decrypted."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from argos_gitops.manifests.limits import MAX_FILE_BYTES
from argos_gitops.manifests.sealed import NotSealedError, Sealed, is_encrypted, read_sealed
from argos_gitops.model.folder import FolderFile
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import Files
from argos_gitops.providers.docker.compose.document import Tree, UnreadableError, read_trees
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.kinds import StackSpec

MAIN_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
ENV_NAME = ".env"

PLACEHOLDER_SIGN = "(secret"

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_SEALED_SIGN = b"ENC[AES256_GCM,"


class StackFiles:
    """The folder of one Stack at its revision. Paths are below the folder, with slashes."""

    def __init__(self, stack: Resource[StackSpec], files: Files) -> None:
        self.stack = stack
        self._files = files
        self._listing = {file.path: file for file in stack.spec.path.files}
        self._contents: dict[str, bytes] = {}
        self._sealed: dict[str, Sealed | None] = {}
        self._trees: dict[str, list[Tree] | UnreadableError] = {}

    @property
    def listing(self) -> Mapping[str, FolderFile]:
        return self._listing

    @cached_property
    def main(self) -> tuple[str, ...]:
        """The Compose files, the later overriding the earlier; as `docker compose` itself would look for them
        where the Stack names none. Raises ComposeError where there is none."""
        spec = self.stack.spec
        if spec.files:
            return tuple(self._named(name, "files") for name in spec.files)
        found = next((name for name in MAIN_NAMES if name in self._listing), None)
        if found is None:
            raise self.error(
                f"there is no {' or '.join(MAIN_NAMES[:3])} in {spec.path.path}; add one, or name files"
            )
        override = [name for name in OVERRIDE_NAMES if name in self._listing][:1]
        return (found, *override)

    @cached_property
    def env_files(self) -> tuple[str, ...]:
        """The files with values for `${…}`."""
        named = self.stack.spec.env_files
        if named:
            return tuple(self._named(name, "envFiles") for name in named)
        return (ENV_NAME,) if ENV_NAME in self._listing else ()

    def content(self, path: str) -> bytes:
        """As it stands in git. Raises ComposeError for an LFS pointer, SourceError when it is not at hand."""
        self.load([path])
        return self._contents[path]

    def load(self, paths: Iterable[str]) -> None:
        """Reads files as one batch."""
        missing = [path for path in dict.fromkeys(paths) if path not in self._contents]
        blobs = self._files.read([self._listing[path].blob for path in missing])
        for path in missing:
            data = blobs[self._listing[path].blob]
            if data.startswith(_LFS_POINTER):
                message = "a Git LFS pointer instead of content; keep the files of a Stack out of LFS"
                raise ComposeError([Problem(self.location(path, 1, 1), "LfsPointer", message)])
            self._contents[path] = data

    def sealed(self, path: str) -> Sealed | None:
        """What SOPS encrypted there; None for a file that it did not."""
        if path not in self._sealed:
            self._sealed[path] = _sealed(path, self.content(path))
        return self._sealed[path]

    def trees(self, path: str) -> list[Tree]:
        """The documents of a file. Raises UnreadableError."""
        known = self._trees.get(path)
        if known is None:
            try:
                known = read_trees(self.content(path))
            except UnreadableError as error:
                known = error
            self._trees[path] = known
        if isinstance(known, UnreadableError):
            raise known
        return known

    def location(self, path: str, line: int = 0, column: int = 0) -> Location:
        """A place in one of the files, by its path in the repository."""
        return Location(posixpath.join(self.stack.spec.path.path, path), line, column)

    def error(self, message: str) -> ComposeError:
        """About the Stack's own document."""
        return ComposeError(
            [Problem(self.stack.location, ComposeCode.INVALID, f"{self.stack.key}: {message}")]
        )

    def _named(self, name: str, field: str) -> str:
        path = posixpath.normpath(name)
        if path not in self._listing:
            raise self.error(f"{field} names {name}, which is no file in {self.stack.spec.path.path}")
        return path


def for_compose(files: StackFiles, plain: Callable[[str], bytes]) -> dict[str, bytes | None]:
    """Every file of the folder as Compose may read it, by path; `plain` gives what SOPS encrypted.

    What is larger than any file that Compose reads is not given: there is None for it.
    """
    files.load(path for path, file in files.listing.items() if file.size <= MAX_FILE_BYTES)
    return {
        path: (plain(path) if files.sealed(path) is not None else files.content(path))
        if file.size <= MAX_FILE_BYTES
        else None
        for path, file in files.listing.items()
    }


def with_placeholders(path: str, data: bytes, sealed: Sealed) -> bytes:
    """A file that SOPS encrypted as Compose may read it without a key: `(secret KEY)` for each value."""
    if sealed.form == "dotenv":
        return "".join(f"{name}={_masked(value, name)}\n" for name, value in sealed.tree.items()).encode()
    if sealed.form == "binary":
        return f"(secret {posixpath.basename(path)})".encode()
    import orjson

    return orjson.dumps(dict(_tree(sealed.tree)))


def _tree(tree: Mapping[str, Any], way: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        yield name, _value(value, f"{way}{name}")


def _value(value: Any, way: str) -> Any:
    if isinstance(value, dict):
        return dict(_tree(value, f"{way}."))
    if isinstance(value, list):
        return [_value(each, f"{way}.{number}") for number, each in enumerate(value)]
    return _masked(value, way)


def _masked(value: Any, way: str) -> Any:
    return placeholder(way) if is_encrypted(value) else value


def placeholder(name: str) -> str:
    """What stands for a secret wherever nobody may know it."""
    return f"{PLACEHOLDER_SIGN} {name})"


def _sealed(path: str, data: bytes) -> Sealed | None:
    if _SEALED_SIGN not in data:
        return None
    try:
        return read_sealed(path, data)
    except NotSealedError:
        return None
