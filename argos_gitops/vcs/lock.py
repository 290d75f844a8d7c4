"""One writer per mirror, and what a killed writer leaves behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.errors import GitError

_PAUSE = 0.02
CACHE_UNUSABLE = "CacheUnusable"
"""The reason of a GitError: something is in the way of the cache."""


@contextmanager
def exclusive(path: Path, patience: timedelta) -> Iterator[int]:
    """Holds the lock file `path`; yields its descriptor, for the processes that write on our behalf.

    The kernel drops the lock with the last process that holds it, so a killed agent blocks nobody, while
    a git that survived its agent still does. Raises GitError: reason Locked after `patience`, CacheUnusable
    where there is no folder to be had for it.
    """
    with usable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, path, patience)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Tells what is in the way of a place in the cache. Raises GitError (reason CacheUnusable)."""
    try:
        yield
    except OSError as error:
        raise GitError(_in_the_way(path, error), reason=CACHE_UNUSABLE) from error


def _in_the_way(path: Path, error: OSError) -> str:
    """A file where a folder should be is named itself, whichever part of the path it is."""
    blocking = next((each for each in (path, *path.parents) if each.exists() and not each.is_dir()), None)
    if blocking is not None and not (blocking == path and path.suffix == ".lock"):
        return (
            f"{blocking} is a file, and the cache of git needs a folder there; move it away, or set another "
            "cache_dir (ARGOS_CACHE_DIR)"
        )
    place = error.filename or path
    return (
        f"{place}: {error.strerror}; the cache of git cannot be used: let the agent's account write there, "
        "or set another cache_dir (ARGOS_CACHE_DIR)"
    )


def remove_stale_locks(folder: Path) -> None:
    """Removes git's own lock files. Only for whoever holds the lock of ours: then nobody uses them."""
    places = (folder.glob("*.lock"), folder.glob("refs/**/*.lock"), folder.glob("objects/*.lock"))
    for found in (*places, folder.glob("objects/pack/*.lock"), folder.glob("objects/info/**/*.lock")):
        for lock in found:
            lock.unlink(missing_ok=True)
    (folder / "gc.pid").unlink(missing_ok=True)


def _acquire(descriptor: int, path: Path, patience: timedelta) -> None:
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise GitError(
                    f"{path} is held by another process for more than {patience.total_seconds():g} s",
                    reason="Locked",
                ) from None
            time.sleep(_PAUSE)
        else:
            return
