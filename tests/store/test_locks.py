"""Locks die with their process, and no two live ones are held at once."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import TransientError
from argos_gitops.store.locks import FileLocks

HOLD = """
import sys, time
from pathlib import Path
from argos_gitops.store.locks import FileLocks
with FileLocks(Path(sys.argv[1])).hold("Edge/main"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_fm15_kill_9_of_the_holder_frees_the_lock(tmp_path: Path) -> None:
    """While the holder lives the lock is refused and its process named; after kill -9 it is free."""
    locks = FileLocks(tmp_path, wait=timedelta(milliseconds=100))
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TransientError, match=f"process {holder.pid}"), locks.hold("Edge/main"):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with locks.hold("Edge/main"):
        pass


def test_names_are_apart(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path, wait=timedelta(0))
    with locks.hold("Edge/one"), locks.hold("Edge/two"):
        pass


def test_the_fence_grows_with_each_holder_of_the_name(tmp_path: Path) -> None:
    """Also over a lock file that was written before there were fences."""
    (tmp_path / "Edge-main.lock").write_text("4711")
    locks = FileLocks(tmp_path)
    fences = []
    for name in ("Edge/main", "Edge/main", "Edge/other"):
        with locks.hold(name) as hold:
            hold.verify()
            fences.append(hold.fence)
    assert fences == [1, 2, 1]
