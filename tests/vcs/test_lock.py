"""One writer per mirror, and what killed ones leave."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.lock import exclusive, remove_stale_locks

SOON = timedelta(seconds=0.05)
HOLDER = """
import subprocess, sys, time
from datetime import timedelta
from pathlib import Path
from argos_gitops.vcs.lock import exclusive
with exclusive(Path(sys.argv[1]), timedelta(seconds=5)) as lock:
    child = subprocess.Popen(["sleep", sys.argv[2]], pass_fds=[lock])
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_a_second_writer_waits_and_then_says_who_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "mirror.lock"
    with exclusive(path, SOON), pytest.raises(GitError) as caught, exclusive(path, SOON):
        pass
    assert caught.value.reason == "Locked"
    assert str(path) in str(caught.value)


def test_fm15_a_killed_writer_holds_nothing(tmp_path: Path) -> None:
    holder, _ = _start_holder(tmp_path / "lock", child_seconds="0")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with exclusive(tmp_path / "lock", timedelta(seconds=10)):
        pass


def test_fm15_a_git_that_outlives_its_killed_agent_keeps_the_lock_until_it_ends(tmp_path: Path) -> None:
    holder, child = _start_holder(tmp_path / "lock", child_seconds="60")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with pytest.raises(GitError), exclusive(tmp_path / "lock", SOON):
        pass
    os.kill(int(child), signal.SIGKILL)
    with exclusive(tmp_path / "lock", timedelta(seconds=10)):
        pass


def test_fm15_lock_files_of_git_are_removed_wherever_they_are(tmp_path: Path) -> None:
    places = ("shallow.lock", "packed-refs.lock", "refs/argos/tips/heads/main.lock", "objects/info/x/y.lock")
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    remove_stale_locks(tmp_path)
    assert not list(tmp_path.rglob("*.lock"))


def _start_holder(lock: Path, child_seconds: str) -> tuple["subprocess.Popen[str]", int]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock), child_seconds], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout as said:
        return holder, int(said.readline())
