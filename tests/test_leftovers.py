"""A test run leaves nothing on the machine, and says so if it does."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.components.docker_slot import claim_slot
from tests.components.ports import free_port
from tests.leftovers import OwnTemporaryFolder

Enter = Callable[[], OwnTemporaryFolder]


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """Begins a run whose system's temporary folder is `tmp_path`."""
    before = tempfile.tempdir
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    runs: list[OwnTemporaryFolder] = []

    def begin() -> OwnTemporaryFolder:
        runs.append(OwnTemporaryFolder().enter())
        return runs[-1]

    yield begin
    for run in runs:
        run.remove()
    tempfile.tempdir = before


def test_whatever_stays_is_named(enter: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the run's own folder anything but pytest's; in the system's what bears our name, in CI."""
    monkeypatch.setenv("CI", "true")
    (tmp_path / "argos-from-before").touch()
    run = enter()
    run.for_pytest.mkdir()
    assert run.left() == []
    stays = Path(tempfile.mkdtemp())
    (tmp_path / "argos-access.log").touch()
    (tmp_path / "of-somebody-else").touch()
    assert run.left() == sorted([stays, tmp_path / "argos-access.log"])
    monkeypatch.delenv("CI")
    assert run.left() == [stays]  # somebody else may be at work


def test_what_a_killed_run_left_goes_with_the_next(enter: Enter, tmp_path: Path) -> None:
    """And the folder of a run that goes on is none of its business."""
    killed = tmp_path / "argos-tests-killed"
    (killed / "t" / "deep").mkdir(parents=True)
    running = enter().path
    os.environ["TMPDIR"] = str(tmp_path)
    tempfile.tempdir = None
    other = enter()
    assert not killed.exists()
    assert running.exists()
    assert other.path != running


def test_a_run_that_leaves_something_fails(tmp_path: Path) -> None:
    """A whole run of pytest in a process of its own, with a plugin that leaves a folder."""
    plugin, temporary = tmp_path / "plugin", tmp_path / "temporary"
    plugin.mkdir()
    temporary.mkdir()
    leaves = "import tempfile\n\ndef pytest_runtest_call():\n    tempfile.mkdtemp(prefix='kept-')\n"
    (plugin / "leaves_a_folder.py").write_text(leaves)
    passing = f"{__file__}::{test_ports_and_slots_leave_no_file.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "leaves_a_folder", passing],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(plugin)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the test run left" in done.stdout
    assert "/kept-" in done.stdout
    assert list(temporary.iterdir()) == []


def test_ports_and_slots_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are names of the kernel's, not files: nothing new is in a temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    free_port()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has engines")
def test_a_slot_is_taken_once_and_leaves_no_folder() -> None:
    """Two engines have two slots, and both are free again."""
    nothing = Path("/bin/true")
    first, second = claim_slot(nothing), claim_slot(nothing)
    assert first.number != second.number
    for slot in (first, second):
        slot.release()
        assert not slot.folder.exists()
