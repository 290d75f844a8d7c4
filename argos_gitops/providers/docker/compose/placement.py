"""A Stack's files on the Docker host, where its containers mount them from.

What containers write beside them stays. Ours are written whole or not at all, those that are as they
should be are not touched, and those that left git are removed: a list of what we wrote is kept, and is
longer than the truth rather than shorter, so that a crash at any moment is made good by the next run.
Nothing follows a link: a container may have put one into a folder that it mounts.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import orjson

from argos_gitops.model.errors import TerminalError

Content = Callable[[str], bytes]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = 0o077


class Placed(NamedTuple):
    """One file; `sealed` when git has it encrypted."""

    path: str
    executable: bool
    sealed: bool


class Placement:
    """The files of one project. `record` is where the list of what we wrote is kept."""

    def __init__(self, directory: str, record: Path) -> None:
        self._directory = Path(directory)
        self._record = record

    def put(self, files: Sequence[Placed], content: Content) -> None:
        """Makes the folder hold these files. Raises TerminalError (FilesNotWritten) where it cannot."""
        wanted = [file.path for file in files]
        written = self._written()
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep({*written, *wanted})
            private = not self._directory.stat().st_mode & _OTHERS
            with _opened(self._directory) as root:
                for file in files:
                    _write(root, file, content(file.path), private)
                _remove(root, sorted(set(written) - set(wanted)))
            self._keep(wanted)
        except OSError as error:
            raise TerminalError(_why(self._directory, error), reason="FilesNotWritten") from error

    def remove(self) -> None:
        """Removes what we wrote, and folders that are empty then."""
        written = self._written()
        with suppress(FileNotFoundError):
            with _opened(self._directory) as root:
                _remove(root, written)
            with suppress(OSError):
                self._directory.rmdir()  # unless containers left something
        self._record.unlink(missing_ok=True)

    def _written(self) -> list[str]:
        try:
            kept = orjson.loads(self._record.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return []
        return kept["files"] if kept.get("directory") == str(self._directory) else []

    def _keep(self, paths: Iterable[str]) -> None:
        self._record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._record.with_name(f".{self._record.name}.{secrets.token_hex(4)}")
        fresh.write_bytes(orjson.dumps({"directory": str(self._directory), "files": sorted(paths)}))
        fresh.replace(self._record)


def recorded_directory(record: Path) -> str | None:
    """Where the files that a record tells of were written."""
    try:
        return str(orjson.loads(record.read_bytes())["directory"])
    except (OSError, orjson.JSONDecodeError, KeyError):
        return None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    folder = os.open(path, _FOLDER)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _parent(root: int, path: str, *, make: bool) -> Iterator[int]:
    """The folder that a file is in, reached without following a link."""
    folder = os.dup(root)
    try:
        for step in PurePosixPath(path).parent.parts:
            if make:
                made = _made(folder, step)
            inner = os.open(step, _FOLDER, dir_fd=folder)
            if make and made:
                os.fchmod(inner, 0o755)  # containers of any user read what lies there, whatever our umask
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _made(folder: int, name: str) -> bool:
    """Whether the folder was not there."""
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _write(root: int, file: Placed, data: bytes, private: bool) -> None:
    """A secret can be read by containers of any user where the folder keeps everybody else out."""
    mode = 0o755 if file.executable else 0o644
    if file.sealed and not private:
        mode &= 0o700
    name = PurePosixPath(file.path).name
    with _parent(root, file.path, make=True) as folder:
        if _is(folder, name, data, mode):
            return
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                os.rmdir(name, dir_fd=folder)  # Docker makes one where a mounted file was missing
        fresh = f".argos-{secrets.token_hex(8)}"
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        with os.fdopen(opened, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(opened, mode)
        os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)


def _is(folder: int, name: str, data: bytes, mode: int) -> bool:
    """Whether the file is there as it should be; what mounts it then keeps it."""
    try:
        status = os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != mode:
        return False
    if status.st_size != len(data):
        return False
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(opened, "rb") as stream:
        return stream.read() == data


def _remove(root: int, paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError), _parent(root, path, make=False) as folder:
            os.unlink(PurePosixPath(path).name, dir_fd=folder)
        _remove_empty(root, PurePosixPath(path).parent)


def _remove_empty(root: int, path: PurePosixPath) -> None:
    while path.parts:
        try:
            with _parent(root, str(path), make=False) as folder:
                os.rmdir(path.name, dir_fd=folder)
        except OSError:
            return
        path = path.parent


def _why(directory: Path, error: OSError) -> str:
    place = f"{directory} ({error.filename})" if isinstance(error.filename, str) else str(directory)
    said = f"the Stack's files cannot be written to {place}: {error.strerror}"
    if error.errno == errno.ELOOP:
        return f"{said}: there is a link where git has a folder; remove it"
    if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR):
        return f"{said}: something else stands where git has a file or folder; move it away"
    return f"{said}; let the agent's account write there, or choose another `directory`"
