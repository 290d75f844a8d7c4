"""Outages, cut transfers, lost objects, killed processes and damaged mirrors."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.mirror import Limits, Mirror
from tests.components.git import GitHttp, Origin
from tests.vcs.mirrors import A, contents, mirror_of


def test_fm01_a_remote_that_is_gone_changes_nothing(origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    away = origin.folder.rename(origin.folder.with_name("away.git"))
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            mirror.fetch()
        assert caught.value.reason == "SourceError"
    assert contents(mirror, sha) == A
    away.rename(origin.folder)
    assert mirror.fetch().sha == sha


def test_fm01_a_server_that_dies_midway_changes_nothing(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    first = origin.commit(A)
    mirror = mirror_of(f"{git_http.url}/config.git", tmp_path)
    mirror.fetch()
    second = origin.commit({f"hosts/{n}.yaml": b"%d" % n * 50 for n in range(200)})
    for cut in (4, 40, 400, 1500):
        git_http.truncate = cut
        with pytest.raises(SourceError) as caught:
            mirror.fetch()
        assert caught.value.reason == "SourceError"
    assert contents(mirror, first) == A
    git_http.truncate = None
    assert mirror.fetch().sha == second


def test_fm01_a_first_fetch_that_is_cut_short_leaves_nothing_to_believe_in(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    origin.commit({f"hosts/{n}.yaml": b"%d" % n * 50 for n in range(200)})
    mirror = mirror_of(f"{git_http.url}/config.git", tmp_path)
    git_http.truncate = 300
    with pytest.raises(SourceError):
        mirror.fetch()
    git_http.truncate = None
    assert len(mirror.repository.entries(mirror.fetch().sha)) == 200


def test_fm01_a_server_that_never_answers_ends_in_time(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    origin.commit(A)
    git_http.stall = threading.Event()
    limits = Limits(git=timedelta(seconds=0.3))
    mirror = Mirror(parse_address(f"{git_http.url}/config.git"), tmp_path / "mirrors", limits=limits)
    with pytest.raises(SourceError, match=r"did not end within 0\.3 s"):
        mirror.fetch()
    git_http.stall.set()


@pytest.mark.parametrize("kind", ["tree", "blob"])
def test_fm01_a_remote_that_lost_an_object_changes_nothing(origin: Origin, tmp_path: Path, kind: str) -> None:
    first = origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    second = origin.commit({"hosts/b.yaml": b"b: 1\n"})
    lost = origin.git("rev-parse", f"{second}:hosts" if kind == "tree" else f"{second}:hosts/b.yaml")
    object_file = origin.folder / "objects" / lost[:2] / lost[2:]
    content = object_file.read_bytes()
    object_file.unlink()
    with pytest.raises(SourceError):
        mirror.fetch()
    assert contents(mirror, first) == A
    object_file.write_bytes(content)
    assert mirror.fetch().sha == second


def test_fm15_what_a_killed_git_left_behind_is_in_nobodys_way(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    second = origin.commit({"b": b"b"})
    for name in ("shallow.lock", "packed-refs.lock", "HEAD.lock", "config.lock"):
        (mirror.folder / name).touch()
    for name in ("incoming", "tips"):
        (mirror.folder / f"refs/argos/{name}/heads").mkdir(parents=True, exist_ok=True)
        (mirror.folder / f"refs/argos/{name}/heads/main.lock").touch()
    assert mirror.fetch().sha == second


@pytest.mark.parametrize("damage", ["HEAD", "objects", "config", "empty objects", "empty packs", "half made"])
def test_a_damaged_mirror_is_made_anew(origin: Origin, tmp_path: Path, damage: str) -> None:
    origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    _damage(mirror.folder, damage)
    second = origin.commit({"b": b"b"})
    sha = mirror.fetch().sha
    assert sha == second
    assert contents(mirror, sha) == {**A, "b": b"b"}


def _damage(folder: Path, how: str) -> None:
    if how == "half made":
        shutil.rmtree(folder)
        folder.mkdir()
    elif how == "empty objects":
        for file in (folder / "objects").rglob("*"):
            if file.is_file():
                file.chmod(0o644)
                file.write_bytes(b"")
    elif how == "empty packs":
        shutil.rmtree(folder / "objects")
        (folder / "objects/pack").mkdir(parents=True)
    elif (folder / how).is_dir():
        shutil.rmtree(folder / how)
    else:
        (folder / how).unlink()
