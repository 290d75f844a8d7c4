"""Locks of the operating system on files: they die with the process that holds them."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.errors import StoreError, TransientError

_POLL_SECONDS = 0.05


class FileLocks:
    """One lock file a name. The file stays behind on purpose: removing it would race with a waiter."""

    def __init__(self, folder: Path, wait: timedelta = timedelta(seconds=10)) -> None:
        self._folder = folder
        self._wait = wait

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits a while for `name`; TransientError (reason Locked) names the process that keeps it."""
        path = self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.lock"
        descriptor = self._open(path)
        try:
            self._acquire(descriptor, name)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
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
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
                raise TransientError(
                    f"{name} is held by process {holder}; wait until it has finished", reason="Locked"
                )
            time.sleep(_POLL_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
