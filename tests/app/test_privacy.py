"""What we write is for us alone, whatever the umask, and whoever wrote it before."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from argos_gitops.app.privacy import check_folder, private_files, tighten
from argos_gitops.model.errors import SettingsError


def _open_to_others(root: Path) -> list[str]:
    """What lies below `root`, itself too, and can be read by somebody else."""
    return [str(each) for each in _walk(root) if not each.is_symlink() and each.stat().st_mode & 0o077]


def _walk(root: Path) -> Iterator[Path]:
    yield root
    yield from root.rglob("*")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as an older version left it under umask 000."""
    root = tmp_path / "argos-gitops"
    for folder in ("mirrors/a", "docker/stacks/nas/wiki", "docker/written"):
        (root / folder).mkdir(parents=True)
        (root / folder / "file").write_text("x")
    for each in _walk(root):
        each.chmod(0o777 if each.is_dir() else 0o666)
    return root


def test_a_folder_of_an_older_version_is_closed(old: Path) -> None:
    tighten(old)
    assert stat.S_IMODE(old.stat().st_mode) == 0o700
    assert all("/stacks" in each for each in _open_to_others(old))


def test_files_of_stacks_stay_readable_for_their_containers(old: Path) -> None:
    """Nobody else gets to them: what they lie in is closed."""
    file = old / "docker/stacks/nas/wiki/file"
    tighten(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


def test_a_folder_that_is_shared_on_purpose_stays_so(old: Path) -> None:
    old.chmod(0o1777)
    tighten(old)
    assert stat.S_IMODE(old.stat().st_mode) == 0o1777


def test_the_target_of_a_link_stays_as_it_is(old: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("x")
    other.chmod(0o644)
    (old / "link").symlink_to(other)
    tighten(old)
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_new_files_are_for_us_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with private_files():
            (tmp_path / "folder").mkdir()
            (tmp_path / "folder" / "file").write_text("x")
            subprocess.run([sys.executable, "-c", f"open('{tmp_path}/folder/child', 'w')"], check=True)
        assert _open_to_others(tmp_path / "folder") == []
        (tmp_path / "after").write_text("x")
        assert stat.S_IMODE((tmp_path / "after").stat().st_mode) == 0o666 & ~umask
    finally:
        os.umask(before)


def test_a_cache_that_is_a_file_is_told_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    for folder in (tmp_path / "cache", tmp_path / "cache" / "argos-gitops"):
        with pytest.raises(SettingsError, match=r"ARGOS_CACHE_DIR.*cache is a file.*remove it"):
            check_folder(folder, "ARGOS_CACHE_DIR")
    check_folder(tmp_path / "new" / "deep", "ARGOS_CACHE_DIR")
