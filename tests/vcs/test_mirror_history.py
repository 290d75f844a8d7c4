"""Rewritten, long and merged histories."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.mirror import HISTORY_REWRITTEN, Terms
from tests.components.git import GitHttp, Origin
from tests.vcs.mirrors import A, mirror_of

FIXED = Terms(allow_rewrite=False)


def test_fm19_a_rewritten_branch_is_followed_at_once_and_noticed(origin: Origin, tmp_path: Path) -> None:
    base = origin.commit(A)
    origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    rewritten = origin.commit({"c": b"c"}, onto=base)
    fetched = mirror.fetch()
    assert (fetched.sha, fetched.events) == (rewritten, (HISTORY_REWRITTEN,))
    assert mirror.fetch().events == ()


def test_fm19_the_old_commit_may_be_gone_from_the_server(origin: Origin, tmp_path: Path) -> None:
    base = origin.commit(A)
    old = origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    rewritten = origin.commit({"c": b"c"}, onto=base)
    origin.git("reflog", "expire", "--expire=now", "--all")
    origin.git("gc", "--quiet", "--prune=now")
    with pytest.raises(AssertionError):
        origin.git("cat-file", "-e", old)
    fetched = mirror.fetch()
    assert (fetched.sha, fetched.events) == (rewritten, (HISTORY_REWRITTEN,))


def test_fm19_a_branch_set_back_is_a_rewrite_too(origin: Origin, tmp_path: Path) -> None:
    first = origin.commit(A)
    origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    origin.git("update-ref", "refs/heads/main", first)
    fetched = mirror.fetch()
    assert (fetched.sha, fetched.events) == (first, (HISTORY_REWRITTEN,))


def test_fm19_a_rewrite_can_be_refused_and_then_the_old_commit_stays(origin: Origin, tmp_path: Path) -> None:
    base = origin.commit(A)
    good = origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch(terms=FIXED)
    origin.commit({"c": b"c"}, onto=base)
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            mirror.fetch(terms=FIXED)
        assert caught.value.reason == "NonFastForward"
    restored = origin.commit({"d": b"d"}, onto=good)
    assert mirror.fetch(terms=FIXED).sha == restored


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_fm19_many_commits_at_once_are_no_rewrite(origin: Origin, tmp_path: Path, count: int) -> None:
    origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    for number in range(count):
        newest = origin.commit({"b": b"%d" % number})
    fetched = mirror.fetch(terms=FIXED)
    assert (fetched.sha, fetched.events) == (newest, ())


def test_fm19_a_merge_is_no_rewrite(origin: Origin, tmp_path: Path) -> None:
    first = origin.commit(A)
    side = origin.commit({"side": b"s"}, branch="side", onto=first)
    origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    known = mirror.fetch().sha
    tree = origin.git("rev-parse", f"{known}^{{tree}}")
    merge = origin.git("commit-tree", tree, "-p", side, "-p", known, "-m", "merge")
    origin.git("update-ref", "refs/heads/main", merge)
    assert mirror.fetch(terms=FIXED).sha == merge


def test_fm20_a_long_history_is_not_fetched(git_http: GitHttp, origin: Origin, tmp_path: Path) -> None:
    """5,000 commits: the first fetch and later ones move a bounded part, also over a rewrite."""
    _long_history(origin, 5000)
    everything = _size(origin.folder / "objects")
    mirror = mirror_of(f"{git_http.url}/config.git", tmp_path)
    first = mirror.fetch().sha
    assert git_http.traffic.sent < everything / 100
    assert mirror.repository.history(first) == [first]

    git_http.traffic.sent = 0
    second = origin.commit({"hosts/new.yaml": b"new\n"})
    assert mirror.fetch().sha == second
    assert git_http.traffic.sent < 5000

    git_http.traffic.sent = 0
    origin.commit({"hosts/other.yaml": b"other\n"}, onto=first)
    assert mirror.fetch().events == (HISTORY_REWRITTEN,)
    assert git_http.traffic.sent < everything / 4


def _long_history(origin: Origin, commits: int) -> None:
    parts = []
    for number in range(commits):
        content = b"%d\n" % number
        parts.append(b"commit refs/heads/main\ncommitter t <t@example.com> %d +0000\n" % (10**9 + number))
        parts.append(b"data 2\nm\n\nM 100644 inline hosts/%d.yaml\n" % (number % 50))
        parts.append(b"data %d\n%s\n" % (len(content), content))
    origin.git("fast-import", "--quiet", given=b"".join(parts))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
