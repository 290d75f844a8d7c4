"""A plain folder as a Source, so that people can plan before they commit.

Files get the ids that git would give them, so work that was remembered for a blob serves both. What git
ignores by nature (`.git`, sockets, pipes) is ignored; what git records without following (symlinks,
nested repositories) is recorded the same way, for the loading to refuse. `.gitignore` plays no part.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from argos_gitops.model.errors import SourceError
from argos_gitops.model.paths import spelled, unsafe
from argos_gitops.model.source import Revision, SourceFile
from argos_gitops.sources.memo import BlobMemo
from argos_gitops.vcs.objects import (
    EXECUTABLE_MODE,
    FILE_MODE,
    NO_OBJECT,
    SUBMODULE_MODE,
    SYMLINK_MODE,
    blob_id,
    file_id,
    tree_id,
)

_KEPT_BYTES = 32 * 1024 * 1024


class DirectorySnapshot:
    """The files of a folder as they were when it was fetched."""

    def __init__(self, root: Path, files: Sequence[SourceFile], kept: dict[str, bytes]) -> None:
        tree = tree_id((file.path, file.mode, file.blob) for file in files)
        self._root = root
        self._files = files
        self._kept = kept
        self._paths = {file.blob: file for file in files}
        self._revision = Revision(tree, tree, str(root), "uncommitted files", is_commit=False)

    @property
    def revision(self) -> Revision:
        return self._revision

    @property
    def events(self) -> Sequence[str]:
        return ()

    def files(self) -> Sequence[SourceFile]:
        return self._files

    def read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Raises SourceError (reason SourceChanged) when a file is no longer what was fetched."""
        for blob in blobs:
            content = self._kept.get(blob)
            yield blob, self._read(blob) if content is None else content

    def _read(self, blob: str) -> bytes:
        file = self._paths.get(blob)
        if file is None:
            raise SourceError(f"{self._root}: no file has the id {blob}", reason="MissingObject")
        path = f"{self._root}/{file.path}"
        content = _content(path, file.mode)
        if blob_id(content) != blob:
            raise SourceError(f"{path} changed while it was read; try again", reason="SourceChanged")
        return content


class DirectorySource:
    """The folder `path`, and in it `folder`. What does not exist is a SourceError, an empty one is not.

    With `memo_folder`, ids of unchanged files are remembered there between processes.
    """

    def __init__(self, path: Path, folder: str = "", memo_folder: Path | None = None) -> None:
        self._root = (path / folder).absolute()
        self._memo = BlobMemo(self._root, memo_folder)

    def fetch(self, rev: str | None = None) -> DirectorySnapshot:
        """The files as they are now. Raises SourceError (reasons SourceMissing, SourceUnreadable)."""
        if rev is not None:
            raise SourceError(
                f"{self._root} is read as it is, so there is no revision {rev!r}; name a git repository",
                reason="RevisionNotFound",
            )
        if not self._root.is_dir():
            raise SourceError(
                f"{self._root}: no such folder; check --repo and --path", reason="SourceMissing"
            )
        kept: dict[str, bytes] = {}
        scan = _Scan(self._root, self._memo, kept)
        files = sorted(scan.files(""), key=lambda file: file.path)
        self._memo.keep(file.path for file in files)
        return DirectorySnapshot(self._root, files, kept)


class _Scan:
    """One walk over the folder; contents that had to be read are kept, up to a limit, for what follows."""

    def __init__(self, root: Path, memo: BlobMemo, kept: dict[str, bytes]) -> None:
        self._root = str(root)
        self._memo = memo
        self._kept = kept
        self._room = _KEPT_BYTES

    def files(self, prefix: str) -> Iterator[SourceFile]:
        try:
            with os.scandir(f"{self._root}/{prefix}") as entries:
                for entry in entries:
                    yield from self._entry(entry, prefix + entry.name)
        except OSError as error:
            raise _unreadable(f"{self._root}/{prefix}", error) from error

    def _entry(self, entry: "os.DirEntry[str]", path: str) -> Iterator[SourceFile]:
        if entry.name == ".git":
            return
        if why := unsafe(os.fsencode(path)):
            raise SourceError(
                f"{self._root} has a path that is not used: {spelled(os.fsencode(path))!r} {why}; "
                "remove or rename it",
                reason="UnsafePath",
            )
        if entry.is_dir(follow_symlinks=False):
            if os.path.lexists(f"{self._root}/{path}/.git"):
                yield SourceFile(path, NO_OBJECT, SUBMODULE_MODE, 0)
            else:
                yield from self.files(f"{path}/")
        else:
            yield from self._file(path, entry.stat(follow_symlinks=False))

    def _file(self, path: str, status: os.stat_result) -> Iterator[SourceFile]:
        mode = _git_mode(status.st_mode)
        if mode is None:
            return
        blob = self._memo.get(path, status)
        if blob is None:
            blob = self._identify(f"{self._root}/{path}", mode, status.st_size)
            self._memo.put(path, status, blob)
        yield SourceFile(path, blob, mode, status.st_size)

    def _identify(self, path: str, mode: int, size: int) -> str:
        if size > self._room:
            with _opened(path) as file:
                return file_id(file, size)
        content = _content(path, mode)
        blob = blob_id(content)
        self._room -= len(content)
        self._kept[blob] = content
        return blob


def _git_mode(mode: int) -> int | None:
    if stat.S_ISLNK(mode):
        return SYMLINK_MODE
    if not stat.S_ISREG(mode):
        return None
    return EXECUTABLE_MODE if mode & stat.S_IXUSR else FILE_MODE


def _content(path: str, mode: int) -> bytes:
    """The bytes of a file, or of a symlink itself; never of what a symlink leads to."""
    if mode == SYMLINK_MODE:
        try:
            return os.fsencode(os.readlink(path))  # noqa: PTH115 - ten thousand Paths cost more than their files
        except OSError as error:
            raise _unreadable(path, error) from error
    with _opened(path) as file:
        return file.read()


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            yield file
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(f"{path} cannot be read: {error.strerror}", reason="SourceUnreadable")
