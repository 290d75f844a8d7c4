"""Where the numbers of this process lie while it runs, so that its front can show them."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from argos_gitops.model.errors import StoreError

if TYPE_CHECKING:
    from argos_gitops.app.metrics import AgentMetrics

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = "lock"


@contextmanager
def measuring(parent: Path) -> "Iterator[tuple[AgentMetrics, Path]]":
    """The instruments, and the folder below `parent` that holds their numbers, gone after the block.

    Several agents may share `parent`, each with a folder of its own that it holds locked; folders that
    nobody holds were left by agents that were killed. To be entered once in a process.
    """
    try:
        folder, lock = _own_folder(parent)
    except OSError as error:
        raise StoreError(f"the folder for metrics {parent} cannot be used: {error.strerror}") from error
    os.environ[_VARIABLE] = str(folder)
    from argos_gitops.app.metrics import AgentMetrics

    try:
        yield AgentMetrics(), folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _own_folder(parent: Path) -> tuple[Path, int]:
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in parent.iterdir():
        lock = _lock(left / _LOCK)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    folder = Path(mkdtemp(dir=parent))
    lock = _lock(folder / _LOCK, os.O_CREAT)
    if lock is None:
        raise OSError(0, "somebody took our own folder")
    return folder, lock


def _lock(path: Path, flags: int = 0) -> int | None:
    """A descriptor that holds the lock; None when there is no such file, or somebody else holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
