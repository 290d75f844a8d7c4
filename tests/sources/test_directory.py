"""A plain folder as a Source."""

import os
import subprocess
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.source import SourceFile
from argos_gitops.sources.directory import DirectorySource
from argos_gitops.sources.memo import BlobMemo
from argos_gitops.vcs.objects import EMPTY_TREE, NO_OBJECT, blob_id

LONG_AGO_NS = 1_600_000_000 * 10**9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    (folder / "hosts").mkdir(parents=True)
    (folder / "hosts" / "a.yaml").write_bytes(b"a: 1\n")
    (folder / "b.yaml").write_bytes(b"b: 1\n")
    return folder


def files_of(folder: Path) -> dict[str, SourceFile]:
    return {file.path: file for file in DirectorySource(folder).fetch().files()}


def test_files_have_the_ids_and_modes_that_git_gives_them(folder: Path) -> None:
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("b.yaml")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=folder, check=True, capture_output=True, text=True)
    ours = [f"{file.mode:o} {file.blob} 0\t{path}" for path, file in files_of(folder).items()]
    assert ours == listed.stdout.splitlines()
    written = subprocess.run(["git", "write-tree"], cwd=folder, check=True, capture_output=True, text=True)
    revision = DirectorySource(folder).fetch().revision
    assert revision.tree == written.stdout.strip()
    assert not revision.is_commit


def test_content_is_read_by_id_in_the_order_asked_for(folder: Path) -> None:
    snapshot = DirectorySource(folder).fetch()
    blobs = [file.blob for file in reversed(snapshot.files())]
    assert [content for _, content in snapshot.read(blobs)] == [b"a: 1\n", b"b: 1\n"]


def test_a_change_is_a_new_revision_and_undoing_it_the_old_one(folder: Path) -> None:
    source = DirectorySource(folder)
    before = source.fetch().revision
    (folder / "b.yaml").write_bytes(b"b: 2\n")
    assert source.fetch().revision.sha != before.sha
    (folder / "b.yaml").write_bytes(b"b: 1\n")
    assert source.fetch().revision == before


def test_only_the_subfolder_counts(folder: Path) -> None:
    (found,) = DirectorySource(folder, "hosts").fetch().files()
    assert found.path == "a.yaml"


def test_symlinks_are_listed_and_never_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_bytes(b"secret")
    (folder / "dir").symlink_to(outside)
    (folder / "file.yaml").symlink_to(outside / "secret.yaml")
    (folder / "gone.yaml").symlink_to("nowhere")
    (folder / "round").symlink_to(folder)
    found = files_of(folder)
    assert {path for path, file in found.items() if file.mode == 0o120000} == {
        "dir", "file.yaml", "gone.yaml", "round",
    }  # fmt: skip
    snapshot = DirectorySource(folder).fetch()
    assert dict(snapshot.read([found["dir"].blob])) == {found["dir"].blob: os.fsencode(outside)}


def test_what_git_never_tracks_is_left_out_and_a_nested_repository_is_a_submodule(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(b"x")
    (folder / "nested" / ".git").mkdir(parents=True)
    (folder / "nested" / "c.yaml").write_bytes(b"c")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")
    found = files_of(folder)
    assert found.keys() == {"b.yaml", "hosts/a.yaml", "nested"}
    assert (found["nested"].mode, found["nested"].blob) == (0o160000, NO_OBJECT)


def test_a_folder_that_does_not_exist_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        DirectorySource(tmp_path / "nope").fetch()
    assert caught.value.reason == "SourceMissing"
    assert DirectorySource(tmp_path).fetch().revision.tree == EMPTY_TREE


def test_a_folder_has_no_revisions(folder: Path) -> None:
    with pytest.raises(SourceError, match="main~1"):
        DirectorySource(folder).fetch("main~1")


def test_a_file_that_changes_between_fetch_and_read_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing kept in memory, what is read is checked against what was fetched."""
    monkeypatch.setattr("argos_gitops.sources.directory._KEPT_BYTES", 0)
    snapshot = DirectorySource(folder).fetch()
    blobs = [file.blob for file in snapshot.files()]
    assert len(list(snapshot.read(blobs))) == 2
    (folder / "b.yaml").write_bytes(b"b: 9\n")
    with pytest.raises(SourceError) as caught:
        list(snapshot.read(blobs))
    assert caught.value.reason == "SourceChanged"


def test_a_file_that_vanishes_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argos_gitops.sources.directory._KEPT_BYTES", 0)
    snapshot = DirectorySource(folder).fetch()
    (folder / "b.yaml").unlink()
    with pytest.raises(SourceError) as caught:
        list(snapshot.read([file.blob for file in snapshot.files()]))
    assert caught.value.reason == "SourceUnreadable"


def test_unchanged_files_are_not_read_again_by_the_next_process(folder: Path, tmp_path: Path) -> None:
    """Shown by a wrong memory: it is believed as long as the times, the size and the inode stay."""
    path = folder / "b.yaml"
    memo = BlobMemo(folder, tmp_path / "memo")
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    status = path.stat()
    settled = os.stat_result((*status[:7], *status[7:10]), {**_times(status, LONG_AGO_NS)})
    memo.put("b.yaml", settled, "f" * 40)
    memo.keep(["b.yaml"])
    again = BlobMemo(folder, tmp_path / "memo")
    assert again.get("b.yaml", settled) == "f" * 40
    assert again.get("b.yaml", status) is None


def _times(status: os.stat_result, when: int) -> dict[str, int]:
    return {"st_mtime_ns": when, "st_ctime_ns": when, "st_atime_ns": when}


def test_a_file_that_was_just_written_is_read_again_although_its_size_stays(
    folder: Path, tmp_path: Path
) -> None:
    source = DirectorySource(folder, memo_folder=tmp_path / "memo")
    for number in range(20):
        content = b"b: %02d\n" % number
        (folder / "b.yaml").write_bytes(content)
        found = {file.path: file.blob for file in source.fetch().files()}
        assert found["b.yaml"] == blob_id(content)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1}', b'{"a": [1, 2]}'])
def test_a_damaged_memory_is_forgotten(folder: Path, tmp_path: Path, content: bytes) -> None:
    source = DirectorySource(folder, memo_folder=tmp_path / "memo")
    expected = source.fetch().revision
    (tmp_path / "memo").mkdir(exist_ok=True)
    for file in (tmp_path / "memo").iterdir():
        file.write_bytes(content)
    assert DirectorySource(folder, memo_folder=tmp_path / "memo").fetch().revision == expected


def test_a_memory_that_cannot_be_written_is_no_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "memo").write_bytes(b"a file where a folder should be")
    assert len(DirectorySource(folder, memo_folder=tmp_path / "memo").fetch().files()) == 2
