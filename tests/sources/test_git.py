"""A git repository as a Source."""

import shutil
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.sources.git import CONFIG_PATH_MISSING, GitSource
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.mirror import HISTORY_REWRITTEN, Mirror
from argos_gitops.vcs.objects import EMPTY_TREE
from tests.components.git import Origin
from tests.vcs.mirrors import loosen


def source_of(origin: Origin, tmp_path: Path, ref: str | None = None, folder: str = "") -> GitSource:
    return GitSource(Mirror(parse_address(origin.url), tmp_path / "mirrors"), ref, folder)


def test_a_snapshot_holds_the_files_below_the_folder(origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit(
        {"edge/hosts/a.yaml": b"a", "edge/b.yaml": b"b", "other/c.yaml": b"c"}, "hello\n\nworld"
    )
    snapshot = source_of(origin, tmp_path, folder="edge").fetch()
    assert [file.path for file in snapshot.files()] == ["b.yaml", "hosts/a.yaml"]
    assert [file.size for file in snapshot.files()] == [1, 1]
    assert (snapshot.revision.sha, snapshot.revision.ref, snapshot.revision.subject) == (sha, "main", "hello")
    assert snapshot.revision.is_commit
    assert snapshot.revision.committed_at is not None


def test_blobs_come_in_the_order_asked_for(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a": b"1\n", "b": b"", "c": b"3\n\n"})
    snapshot = source_of(origin, tmp_path).fetch()
    blobs = [file.blob for file in reversed(snapshot.files())]
    assert [content for _, content in snapshot.read(blobs)] == [b"3\n\n", b"", b"1\n"]


def test_a_commit_elsewhere_leaves_the_tree_as_it_was(origin: Origin, tmp_path: Path) -> None:
    source = source_of(origin, tmp_path, folder="edge")
    origin.commit({"edge/a": b"a", "README": b"1"})
    before = source.fetch()
    origin.commit({"README": b"2"})
    after = source.fetch()
    assert after.revision.sha != before.revision.sha
    assert after.revision.tree == before.revision.tree


def test_fm02_a_folder_that_is_gone_is_an_empty_snapshot_and_told(origin: Origin, tmp_path: Path) -> None:
    source = source_of(origin, tmp_path, folder="edge")
    origin.commit({"edge/a": b"a"})
    assert source.fetch().events == ()
    origin.commit({"edge/a": None, "edge2/a": b"a"})
    for _ in range(2):
        snapshot = source.fetch()
        assert snapshot.files() == ()
        assert snapshot.events == (CONFIG_PATH_MISSING,)
        assert snapshot.revision.tree == EMPTY_TREE


def test_fm02_a_commit_without_files_is_an_empty_snapshot(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a": b"a"})
    origin.commit({"a": None})
    assert source_of(origin, tmp_path).fetch().files() == []


@pytest.mark.parametrize("mode", ["100644", "120000"])
def test_a_folder_that_is_a_file_or_a_symlink_is_an_error(origin: Origin, tmp_path: Path, mode: str) -> None:
    origin.commit({"edge": b"/etc"}, modes={"edge": mode})
    with pytest.raises(SourceError, match="not a folder") as caught:
        source_of(origin, tmp_path, folder="edge").fetch()
    assert caught.value.reason == "NotAFolder"


def test_fm19_a_rewrite_is_told_once(origin: Origin, tmp_path: Path) -> None:
    source = source_of(origin, tmp_path)
    base = origin.commit({"a": b"a"})
    origin.commit({"b": b"b"})
    source.fetch()
    origin.commit({"c": b"c"}, onto=base)
    assert source.fetch().events == (HISTORY_REWRITTEN,)
    assert source.fetch().events == ()


def test_fm20_a_submodule_is_listed_as_one(origin: Origin, tmp_path: Path) -> None:
    """So that loading refuses it; nothing is fetched for it."""
    origin.commit({"sub": b"1" * 40}, modes={"sub": "160000"})
    ((file),) = source_of(origin, tmp_path).fetch().files()
    assert (file.path, file.mode, file.size) == ("sub", 0o160000, 0)


def test_another_revision_does_not_disturb_the_one_that_is_followed(origin: Origin, tmp_path: Path) -> None:
    source = source_of(origin, tmp_path)
    first = origin.commit({"a": b"1"})
    second = origin.commit({"a": b"2"})
    assert source.fetch().revision.sha == second
    assert source.fetch(first).revision.sha == first
    assert source.fetch().revision.sha == second


def test_a_mirror_that_breaks_between_fetch_and_read_is_an_error_and_then_heals(
    origin: Origin, tmp_path: Path
) -> None:
    origin.commit({"a": b"a", "b": b"b"})
    mirror = Mirror(parse_address(origin.url), tmp_path / "mirrors")
    source = GitSource(mirror)
    snapshot = source.fetch()
    blobs = [file.blob for file in snapshot.files()]
    loosen(mirror)
    for file in (mirror.folder / "objects" / blobs[0][:2]).iterdir():
        file.unlink()
    with pytest.raises(SourceError):
        list(snapshot.read(blobs))
    assert [content for _, content in source.fetch().read(blobs)] == [b"a", b"b"]


@pytest.mark.parametrize("lost", ["", "edge", "edge/deep", "edge/deep/hosts", "edge/deep/hosts/inner"])
def test_fm01_a_mirror_that_lost_a_tree_is_never_an_empty_configuration(
    origin: Origin, tmp_path: Path, lost: str
) -> None:
    """It heals in the same fetch, whichever tree on the way to the files or below them is missing."""
    commit = origin.commit({"edge/deep/hosts/inner/a": b"a", "edge/deep/hosts/b": b"b"})
    source_of(origin, tmp_path, folder="edge/deep/hosts").fetch()
    mirror = Mirror(parse_address(origin.url), tmp_path / "mirrors")
    loosen(mirror)
    tree = origin.git("rev-parse", f"{commit}:{lost}")
    (mirror.folder / "objects" / tree[:2] / tree[2:]).unlink()
    snapshot = source_of(origin, tmp_path, folder="edge/deep/hosts").fetch()
    assert [file.path for file in snapshot.files()] == ["b", "inner/a"]
    assert snapshot.events == ()


def test_a_mirror_may_be_deleted_at_any_time(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a": b"a"})
    source = source_of(origin, tmp_path)
    blobs = [file.blob for file in source.fetch().files()]
    shutil.rmtree(tmp_path / "mirrors")
    assert list(source.fetch().read(blobs)) == [(blobs[0], b"a")]


def test_paths_that_are_no_unicode_are_listed_readably(origin: Origin, tmp_path: Path) -> None:
    blob = origin.git("hash-object", "-w", "--stdin", given=b"x")
    entry = b"100644 blob %s\tcaf\xe9.yaml\0" % blob.encode()
    tree = origin.git("mktree", "-z", given=entry)
    commit = origin.git("commit-tree", tree, "-m", "x")
    origin.git("update-ref", "refs/heads/main", commit)
    assert [file.path for file in source_of(origin, tmp_path).fetch().files()] == ["caf\\xe9.yaml"]
