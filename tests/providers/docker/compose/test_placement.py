"""The Stack's files on the host: ours come and go with git, what containers wrote stays."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from argos_gitops.model.errors import TerminalError
from argos_gitops.providers.docker.compose.placement import Placed, Placement


class Folder:
    """A placement and what is in its folder."""

    def __init__(self, base: Path) -> None:
        self.path, self.record = base / "stacks" / "wiki", base / "written" / "wiki.json"

    def put(self, files: Mapping[str, str], *, sealed: str = "", executable: str = "") -> None:
        placed = [Placed(path, path == executable, path == sealed) for path in files]
        Placement(str(self.path), self.record).put(placed, lambda path: files[path].encode())

    def found(self) -> dict[str, str]:
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_text() for path in files}

    def mode(self, name: str = ".") -> int:
        return (self.path / name).stat().st_mode & 0o777


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_follows_git_and_leaves_what_containers_wrote(folder: Folder) -> None:
    folder.put({"a": "1", "conf/b": "2", "conf/deep/c": "3"})
    (folder.path / "conf" / "by-container").write_text("x")
    folder.put({"a": "changed", "new/d": "4"})
    assert folder.found() == {"a": "changed", "new/d": "4", "conf/by-container": "x"}
    assert not (folder.path / "conf" / "deep").exists()
    Placement(str(folder.path), folder.record).remove()
    assert folder.found() == {"conf/by-container": "x"}


def test_nobody_else_looks_in_and_containers_of_any_user_can_read(folder: Folder) -> None:
    """A file is as git has it, as few containers run as root; the folder is the agent's."""
    folder.put({"plain": "", "run.sh": "", "secret": ""}, sealed="secret", executable="run.sh")
    assert [folder.mode(name) for name in (".", "plain", "run.sh", "secret")] == [0o700, 0o644, 0o755, 0o644]


def test_in_a_folder_that_others_enter_secrets_are_for_us_alone(folder: Folder) -> None:
    folder.path.mkdir(parents=True, mode=0o755)
    folder.put({"plain": "", "secret": ""}, sealed="secret")
    assert [folder.mode(name) for name in (".", "plain", "secret")] == [0o755, 0o644, 0o600]


def test_what_is_as_it_should_be_is_not_touched(folder: Folder) -> None:
    """A container that mounts a single file would not see another file in its place."""
    folder.put({"same": "1", "other": "1"})
    before = (folder.path / "same").stat().st_ino
    folder.put({"same": "1", "other": "2"})
    assert (folder.path / "same").stat().st_ino == before


def test_a_crash_at_any_moment_is_made_good(folder: Folder) -> None:
    """Whatever was written before it is removed later, when git has it no more."""
    folder.put({"a": "1"})
    for crash_at in ("b", "c", "d"):
        files = {"a": "2", "b": "2", "c": "2", "d": "2"}

        def content(path: str, crash_at: str = crash_at) -> bytes:
            if path == crash_at:
                raise KeyboardInterrupt
            return b"2"

        with pytest.raises(KeyboardInterrupt):
            Placement(str(folder.path), folder.record).put(
                [Placed(path, False, False) for path in files], content
            )
    folder.put({"a": "3"})
    assert folder.found() == {"a": "3"}


def test_no_link_is_followed(folder: Folder, tmp_path: Path) -> None:
    """A container with a mounted folder may put links there, to make us write elsewhere as root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder.put({"data/x": "1", "y": "1"})
    (folder.path / "data" / "x").unlink()
    (folder.path / "data" / "x").symlink_to(outside / "kept")
    (folder.path / "y").unlink()
    (folder.path / "y").symlink_to(outside / "kept")
    folder.put({"data/x": "2", "y": "2"})
    assert folder.found() == {"data/x": "2", "y": "2"}
    (folder.path / "data" / "x").unlink()
    (folder.path / "data").rmdir()
    (folder.path / "data").symlink_to(outside)
    with pytest.raises(TerminalError, match="stands where git has a file or folder") as caught:
        folder.put({"data/x": "3"})
    assert caught.value.reason == "FilesNotWritten"
    folder.put({"y": "4"})
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"kept": "kept"}


def test_a_folder_that_docker_made_for_a_missing_file_gives_way(folder: Folder) -> None:
    folder.put({"a": "1"})
    (folder.path / "conf.yml").mkdir()
    folder.put({"a": "1", "conf.yml": "2"})
    assert folder.found() == {"a": "1", "conf.yml": "2"}
    (folder.path / "full").mkdir()
    (folder.path / "full" / "of").write_text("things")
    with pytest.raises(TerminalError, match="something else stands"):
        folder.put({"full": "x"})


def test_another_directory_leaves_the_old_one_alone(folder: Folder, tmp_path: Path) -> None:
    folder.put({"a": "1"})
    old = folder.path
    folder.path = tmp_path / "elsewhere"
    folder.put({"b": "1"})
    assert (old / "a").exists()
    assert folder.found() == {"b": "1"}


def test_says_where_it_cannot_write(folder: Folder) -> None:
    folder.path.parent.mkdir(parents=True)
    folder.path.write_text("a file")
    with pytest.raises(TerminalError, match=str(folder.path)):
        folder.put({"a": "1"})


def test_a_named_pipe_does_not_hold_it_up(folder: Folder) -> None:
    folder.put({"a": "1"})
    (folder.path / "a").unlink()
    os.mkfifo(folder.path / "a")
    folder.put({"a": "1"})
    assert folder.found() == {"a": "1"}
