"""Changes of a local repository are noticed, what is none of them is not, and nothing ends the watching."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argos_gitops.sources.open import SourceRequest
from argos_gitops.sources.watch import Watcher, watchable
from tests.fakes import QuietLog

_PATIENCE = 30


def git(*arguments: str, cwd: Path) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)


class Told:
    """How often somebody was told of a change."""

    def __init__(self) -> None:
        self._count = 0
        self._condition = threading.Condition()

    def __call__(self) -> None:
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def after(self, deed: Callable[[], object]) -> None:
        """Does it, and waits until that was told."""
        with self._condition:
            before = self._count
            deed()
            assert self._condition.wait_for(lambda: self._count > before, _PATIENCE), "nobody was told"

    def settled(self) -> int:
        """The count once nothing more comes."""
        before = -1
        while before != self._count:
            before = self._count
            time.sleep(0.7)
        return before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    (folder / "hosts").mkdir(parents=True)
    return folder


@pytest.fixture
def told(folder: Path) -> Iterator[Told]:
    told = Told()
    watcher = Watcher([folder], told, QuietLog(), [folder / "state"])
    watcher.start()
    _await_watching(told, folder)
    yield told
    watcher.stop()


def _await_watching(told: Told, folder: Path) -> None:
    """The first event proves that the watching has begun; until then files are written again."""
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.2):
            (folder / "begin.yaml").write_text(str(time.monotonic()))

    writer = threading.Thread(target=write)
    writer.start()
    told.after(lambda: None)
    done.set()
    writer.join()
    told.settled()


def test_a_change_is_told_once_however_many_files_it_is(folder: Path, told: Told) -> None:
    before = told.settled()

    def write() -> None:
        for number in range(50):
            (folder / "hosts" / f"h{number}.yaml").write_text("x")

    told.after(write)
    assert told.settled() - before <= 3


def test_a_file_that_goes_or_is_renamed_is_a_change(folder: Path, told: Told) -> None:
    (folder / "a.yaml").write_text("x")
    told.settled()
    told.after(lambda: (folder / "a.yaml").rename(folder / "b.yaml"))
    told.settled()
    told.after(lambda: (folder / "b.yaml").unlink())


def test_fm09_what_we_write_ourselves_is_no_change(folder: Path, told: Told) -> None:
    """Neither our state, nor our branch in the same repository, nor git's bookkeeping."""
    git("init", "-q", "-b", "main", cwd=folder)
    told.settled()
    before = told.settled()
    (folder / "state").mkdir()
    (folder / "state" / "argos.db").write_text("x")
    own = folder / ".git" / "refs" / "heads" / "argos" / "status"
    own.mkdir(parents=True)
    (own / "test").write_text("x")
    (folder / ".git" / "index").write_text("x")
    (folder / ".git" / "refs" / "heads" / "main.lock").write_text("x")
    assert told.settled() == before
    told.after(lambda: (folder / ".git" / "refs" / "heads" / "main").write_text("x"))


def test_what_editors_leave_lying_about_is_no_change(folder: Path, told: Told) -> None:
    before = told.settled()
    for name in (".a.yaml.swp", "a.yaml~", ".#a.yaml", "#a.yaml#", "4913"):
        (folder / name).write_text("x")
    assert told.settled() == before


def test_a_folder_that_is_replaced_is_watched_on(folder: Path, told: Told, tmp_path: Path) -> None:
    """As a deployment does it: the new folder takes the place of the old one."""
    new = tmp_path / "new"
    new.mkdir()

    def replace() -> None:
        shutil.rmtree(folder)
        new.rename(folder)

    told.after(replace)
    told.settled()
    told.after(lambda: (folder / "a.yaml").write_text("x"))


def test_a_folder_that_comes_back_is_watched_on(folder: Path, told: Told) -> None:
    told.after(lambda: shutil.rmtree(folder))
    told.settled()
    told.after(folder.mkdir)
    told.settled()
    told.after(lambda: (folder / "a.yaml").write_text("x"))


def test_a_link_that_is_turned_to_another_folder_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    current = tmp_path / "current"
    current.symlink_to("one")
    told = Told()
    watcher = Watcher([current], told, QuietLog())
    watcher.start()
    _await_watching(told, current)

    def turn() -> None:
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(current)

    told.after(turn)
    told.settled()
    told.after(lambda: (current / "a.yaml").write_text("x"))
    watcher.stop()


def test_which_folders_are_watched(tmp_path: Path) -> None:
    """A checkout is read as it is; a branch of it moves in its git folder; a server says nothing."""
    work, bare = tmp_path / "work", tmp_path / "bare.git"
    git("init", "-q", "-b", "main", str(work), cwd=tmp_path)
    git("init", "-q", "--bare", str(bare), cwd=tmp_path)

    def watched(repo: object, folder: str = "", ref: str | None = None) -> tuple[Path, ...]:
        return watchable(SourceRequest(repo=str(repo), cache=tmp_path, ref=ref, folder=folder))

    assert watched(work, folder="edge") == (work / "edge",)
    assert watched(work, ref="main") == (work / ".git",)
    assert watched(bare) == (bare,)
    assert watched("https://git.example.com/config.git") == ()
