"""One writer at a time: locks of the operating system beside SQLite, leases with fences elsewhere."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from argos_gitops.model.errors import StoreError, TransientError
from argos_gitops.ports.lock import Hold, Locks

PATIENCE = timedelta(seconds=10)
"""How long a taken lock is waited for, unless said otherwise: longer than a dead holder keeps it."""

_POLL_SECONDS = 0.05


def open_locks(engine: Engine, instance: str, replica: str, folder: Path) -> Locks:
    """Those that fit the store: a SQLite file is of one machine, so that files in `folder` do there."""
    if engine.dialect.name == "sqlite":
        return FileLocks(folder)
    from argos_gitops.store.lock_leases import LeaseLocks

    return LeaseLocks(engine, instance, replica)


class FileLocks:
    """One lock file a name: it dies with the process that holds it.

    The file stays behind on purpose: removing it would race with a waiter.
    """

    def __init__(self, folder: Path, wait: timedelta = PATIENCE) -> None:
        self._folder = folder
        self._wait = wait

    @contextmanager
    def hold(self, name: str) -> Iterator[Hold]:
        """Waits a while for `name`; TransientError (reason Locked) names the process that keeps it."""
        path = self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.lock"
        descriptor = self._open(path)
        try:
            self._acquire(descriptor, name)
            yield _FileHold(_sign(descriptor))
        finally:
            os.close(descriptor)

    def _open(self, path: Path) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the lock file {path} cannot be opened: {error.strerror}") from error

    def _acquire(self, descriptor: int, name: str) -> None:
        deadline = time.monotonic() + self._wait.total_seconds()
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                holder = _signature(descriptor)[0] or "unknown"
                raise TransientError(
                    f"{name} is held by process {holder}; wait until it has finished", reason="Locked"
                )
            time.sleep(_POLL_SECONDS)


class _FileHold:
    """The kernel keeps it for as long as the process lives, however long it was paused."""

    def __init__(self, fence: int) -> None:
        self._fence = fence

    @property
    def fence(self) -> int:
        return self._fence

    def verify(self) -> None:
        return


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int) -> int:
    """Writes our process and the next fence into the file; gives back the fence."""
    fence = _signature(descriptor)[1] + 1
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {fence}".encode(), 0)
    return fence


def _signature(descriptor: int) -> tuple[str, int]:
    """The process that signed last, and its fence: a file of before fences has none."""
    holder, _, fence = os.pread(descriptor, 60, 0).decode("ascii", "replace").partition(" ")
    return holder, int(fence) if fence.isdecimal() else 0
