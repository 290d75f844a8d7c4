"""What a test run leaves on the machine: nothing, and a run that leaves something fails.

A run has a temporary folder of its own, which every program that it starts inherits as TMPDIR. In the end
it must be empty but for pytest's own folders. In CI, where nobody else works on the machine, nothing of ours
may be new where everybody writes either.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

_PREFIX = "argos-tests-"
# Pytest's folders, below which each test has its own; short, as sockets lie in it.
_PYTEST = "t"
# Root may write there, so that a path made up by a test comes into being.
_ROOT = Path("/")


class OwnTemporaryFolder:
    """The folder of one run, locked until the run ends; what killed runs have left goes when it begins."""

    def __init__(self) -> None:
        self._system = Path(tempfile.gettempdir())
        _sweep(self._system)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self.path)
        self._before = set(self._elsewhere())

    def enter(self) -> Self:
        """From now on it is the temporary folder of this process and its children."""
        os.environ["TMPDIR"] = str(self.path)
        tempfile.tempdir = None
        return self

    @property
    def for_pytest(self) -> Path:
        return self.path / _PYTEST

    def left(self) -> list[Path]:
        """What is there that was not there before, and should be gone."""
        here = [path for path in self.path.iterdir() if path != self.for_pytest]
        return sorted([*here, *(set(self._elsewhere()) - self._before)])

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def _elsewhere(self) -> Iterator[Path]:
        """Of the system's temporary folder only what bears our name, as other programs use it too."""
        if os.environ.get("CI") != "true":
            return
        yield from _ROOT.iterdir()
        for path in self._system.glob("argos*"):
            if not path.name.startswith(_PREFIX):
                yield path


def _sweep(system: Path) -> None:
    for path in system.glob(f"{_PREFIX}*"):
        lock = _locked(path)
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A lock that ends with this process; None where somebody has it, or the folder is not ours."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
