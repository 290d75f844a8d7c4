"""A private folder that lives as long as one run of Compose, in memory where the machine has such a place.

It mirrors the Docker host: the files of a Stack lie in it at the path that they have there. So Compose works
out every path as it is on the host, also one that leads out of the Stack's folder (`../data`), once the
mirror's own path is taken away from what it says.

What a killed process left is removed by the next one.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from argos_gitops.model.errors import TransientError

_PREFIX = "argos-compose-"
_NAME = re.compile(rf"^{_PREFIX}(\d+)-")
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is private
_SPARE = 1024**2
_ABOVE = ".above"
"""Folders above the mirror's root: what leads further up than the root is still in the mirror."""
_MOST_STEPS_UP = 40


class Workspace:
    """One such folder. `path` is what Compose may see of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.joinpath(*[_ABOVE] * _MOST_STEPS_UP)
        self._ours = re.compile(rb"%s(?:/%s)*(/?)" % (re.escape(bytes(path)), re.escape(_ABOVE).encode()))

    def mirrored(self, directory: str) -> Path:
        """Where a folder of the host lies in the mirror."""
        return self._root / directory.lstrip("/")

    def write_files(self, directory: str, contents: Mapping[str, bytes | None]) -> Path:
        """Writes files as if into a folder of the host; None makes a folder of a name. The folder's mirror.

        Raises TransientError where there is no room, or a path is too long.
        """
        folder = self.mirrored(directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, data in contents.items():
                place = folder / path
                if data is None:
                    place.mkdir(parents=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        except OSError as error:
            message = (
                f"the files for docker compose cannot be written to {self.path.parent}: {error.strerror}"
            )
            raise TransientError(message, reason="FilesNotWritten") from error
        return folder

    def write_private(self, name: str, content: str) -> Path:
        """Writes a file beside the mirror, which its owner alone can read."""
        path = self.path / ".argos" / name
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        return path

    def on_host(self, text: bytes) -> bytes:
        """A text of Compose with every path as it is on the host."""
        return self._ours.sub(b"/", text)


@contextmanager
def workspace(size: int = 0) -> Iterator[Workspace]:
    """Nobody else can read it; gone afterwards. `size` is how many bytes will be written to it."""
    home = _MEMORY if _has_room(size) else Path(tempfile.gettempdir())
    _sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=home))
    try:
        folder.joinpath(".argos", "root").mkdir(parents=True)
        yield Workspace(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(size: int) -> bool:
    """Whether the machine has a place in memory for so much; a container's is small."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    room = os.statvfs(_MEMORY)
    return room.f_bavail * room.f_frsize > 2 * size + _SPARE


def _sweep(home: Path) -> None:
    for entry in os.scandir(home):
        match = _NAME.match(entry.name)
        if match and not _lives(int(match[1])) and entry.stat(follow_symlinks=False).st_uid == os.getuid():
            shutil.rmtree(entry.path, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
