"""The file of a SQLite database: whose it is, and whether it still is the one that was opened.

A process that goes on with a file that somebody removed writes to nobody, and SQLite makes an empty database
wherever it finds none. So a file is made when a store is opened for the first time, and at no other time; and
each connection is held against the file that now has its name before it is used.
"""

import ctypes
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from argos_gitops.model.errors import StoreError

_SMALLEST = 512
"""Bytes of the smallest database: a page."""
_MAKING_SECONDS = 30
_OTHERS = 0o077
_SUFFIXES = ("", "-wal", "-shm")
Identity = tuple[int, int]
"""Device and inode."""


@dataclass(slots=True)
class StoreFile:
    """`path` is the database's. Raises StoreError, with the cure, where there is none that could be used."""

    path: Path
    check: Callable[[Any], None]
    """Looks at a connection to a file that was not seen before; raises StoreError."""
    _known: set[Identity] = field(default_factory=set)

    def prepare(self, *, may_create: bool) -> None:
        """Makes the folder and the file if it may, both for us alone, and takes the file from others."""
        if self.path.is_dir():
            raise StoreError(
                f"the store {self.path} is a folder; the store's URL names a file", reason="StoreGone"
            )
        if may_create:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._identity()
        self._check_size()
        for suffix in _SUFFIXES:
            _keep_to_us(self.path.with_name(self.path.name + suffix))

    def watch(self, engine: Engine) -> None:
        """From now on the engine opens the file and never makes one, and uses none that is not there."""
        event.listen(engine, "do_connect", self._without_making)
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "checkout", self._checked)

    def accept(self) -> None:
        """The file as it is now has been looked at."""
        self._known.add(self._identity())

    def _without_making(self, _: Any, __: Any, arguments: list[Any], keywords: dict[str, Any]) -> None:
        """SQLite opens for reading alone what it may not write to, says so much later, and leaves files
        beside it that nobody may write to: so it is not asked."""
        if (found := unwritable(self.path)) is not None:
            raise StoreError(
                f"the store {self.path} cannot be used: {found} may not be written to; let the agent's "
                "account write to it and to its folder",
                reason="StoreReadOnly",
            )
        arguments[0] = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        keywords["uri"] = True

    def _opened(self, connection: Any, record: Any) -> None:
        identity = self._identity()
        if self._known and identity not in self._known:
            self.check(connection)
            self._known.add(identity)
        record.info["file"] = identity

    def _checked(self, connection: Any, record: Any, _: Any) -> None:
        """A connection to what had the name before is put away: another one is made in its place."""
        if record.info.get("file") != self._identity():
            _never_close(connection)
            raise DisconnectionError("the file was replaced")

    def _check_size(self) -> None:
        """Another process that makes the file right now has a moment for it."""
        found = self.path.stat()
        if found.st_size == 0 and time.time() - found.st_mtime > _MAKING_SECONDS:
            raise StoreError(
                f"the store {self.path} is empty: it was cut, or never made; put back a backup, or "
                "remove the file: the agent then begins with an empty one",
                reason="StoreDamaged",
            )

    def _identity(self) -> Identity:
        try:
            found = self.path.stat()
        except OSError as error:
            raise StoreError(
                f"the store {self.path} is gone ({error.strerror}); put it back from a backup, or start the "
                "agent again: it begins with an empty one, and finds its own by the marks that it left",
                reason="StoreGone",
            ) from None
        if self._known and found.st_size < _SMALLEST:
            raise StoreError(
                f"the store {self.path} was cut to {found.st_size} bytes; stop the agent and put back a "
                "backup, or remove the file: the agent then begins with an empty one",
                reason="StoreDamaged",
            )
        return found.st_dev, found.st_ino


def unwritable(path: Path) -> Path | None:
    """Which of a database, the files beside it and their folder may not be written to; the first of them."""
    beside = [path.with_name(path.name + suffix) for suffix in _SUFFIXES]
    found = [each for each in (*beside, path.parent) if each.exists()]
    return next((each for each in found if not os.access(each, os.W_OK, effective_ids=True)), None)


def has_room(path: Path) -> bool:
    """Whether the disk of a database has any; True where nobody can tell."""
    try:
        return os.statvfs(path.parent).f_bavail > 0
    except OSError:
        return True


def _keep_to_us(path: Path) -> None:
    with suppress(OSError):
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def _never_close(connection: Any) -> None:
    """Keeps a reference for good.

    SQLite removes the write-ahead log *by its name* when the last connection to a file is closed: it would be
    the log of the file which now has that name (sqlite.org/howtocorrupt.html, 2.4).
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
