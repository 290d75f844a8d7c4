"""Fetching into a mirror: what moves, what is noticed, what is survived."""

import shutil
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import SecretValue
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import Credentials
from argos_gitops.vcs.mirror import HISTORY_REWRITTEN, Limits, Mirror
from tests.components.git import DumbHttp, GitHttp, Origin, RealSshd

QUICK = Limits(git=timedelta(seconds=20), lock=timedelta(seconds=20))
A: Mapping[str, bytes | None] = {"hosts/a.yaml": b"a: 1\n"}


def mirror_of(url: str, tmp_path: Path, credentials: Credentials | None = None) -> Mirror:
    return Mirror(parse_address(url), tmp_path / "mirrors", credentials or Credentials(), QUICK)


def contents(mirror: Mirror, commit: str) -> dict[str, bytes]:
    files = mirror.repository.entries(commit)
    blobs = dict(mirror.repository.read_blobs([file.blob for file in files]))
    return {file.path: blobs[file.blob] for file in files}


def test_the_default_branch_a_branch_a_tag_and_a_commit_can_be_fetched(
    origin: Origin, tmp_path: Path
) -> None:
    first = origin.commit(A)
    origin.git("tag", "-m", "annotated", "v1", first)
    other = origin.commit({"b": b"b"}, branch="other")
    second = origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    assert mirror.fetch().sha == second
    assert mirror.fetch().ref == "refs/heads/main"
    assert mirror.fetch("other").sha == other
    assert mirror.fetch("v1").sha == first
    assert mirror.fetch(first).sha == first
    assert mirror.fetch(first[:9]).sha == first
    assert mirror.fetch("main~1").sha == first


def test_a_detached_default_branch_can_be_fetched(origin: Origin, tmp_path: Path) -> None:
    first = origin.commit(A)
    origin.git("update-ref", "--no-deref", "HEAD", first)
    assert mirror_of(origin.url, tmp_path).fetch().sha == first


def test_a_branch_wins_over_a_tag_of_its_name(origin: Origin, tmp_path: Path) -> None:
    first = origin.commit(A)
    origin.git("tag", "live", first)
    branch = origin.commit({"b": b"b"}, branch="live")
    assert mirror_of(origin.url, tmp_path).fetch("live").sha == branch


@pytest.mark.parametrize("name", ["nope", "v9", "0" * 40, "abcd1234", "no such thing"])
def test_what_is_not_there_is_named(origin: Origin, tmp_path: Path, name: str) -> None:
    origin.commit(A)
    with pytest.raises(SourceError, match=name) as caught:
        mirror_of(origin.url, tmp_path).fetch(name)
    assert caught.value.reason == "RevisionNotFound"


def test_a_repository_without_commits_is_no_empty_configuration(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        mirror_of(origin.url, tmp_path).fetch()
    assert caught.value.reason == "EmptyRepository"


def test_a_branch_that_is_gone_is_no_empty_configuration(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    origin.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(SourceError) as caught:
        mirror.fetch("main")
    assert caught.value.reason == "RevisionNotFound"


def test_over_http(git_http: GitHttp, origin: Origin, tmp_path: Path) -> None:
    mirror = mirror_of(f"{git_http.url}/config.git", tmp_path)
    for number in range(3):
        sha = origin.commit({"a": b"%d" % number})
        assert contents(mirror, mirror.fetch().sha) == {"a": b"%d" % number}
        assert mirror.fetch().sha == sha


def test_over_http_nothing_new_costs_two_requests_and_no_objects(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    origin.commit(A)
    mirror = mirror_of(f"{git_http.url}/config.git", tmp_path)
    mirror.fetch()
    git_http.traffic.requests.clear()
    git_http.traffic.sent = 0
    mirror.fetch()
    assert len(git_http.traffic.requests) == 2
    assert git_http.traffic.sent < 1000


def test_over_ssh_with_a_key_and_a_known_host(sshd: RealSshd, origin: Origin, tmp_path: Path) -> None:
    first = origin.commit(A)
    mirror = mirror_of(
        sshd.url(origin.folder), tmp_path, Credentials(ssh_key=sshd.key, known_hosts=sshd.known_hosts)
    )
    assert mirror.fetch().sha == first
    second = origin.commit({"b": b"b"})
    assert mirror.fetch().sha == second


def test_over_ssh_an_unknown_host_is_refused(sshd: RealSshd, origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    nobody = tmp_path / "known_hosts"
    nobody.touch()
    mirror = mirror_of(sshd.url(origin.folder), tmp_path, Credentials(ssh_key=sshd.key, known_hosts=nobody))
    with pytest.raises(SourceError, match="Host key verification failed"):
        mirror.fetch()


def test_a_server_that_cannot_send_less_than_everything_is_asked_for_it(
    dumb_http: DumbHttp, origin: Origin, tmp_path: Path
) -> None:
    for number in range(5):
        sha = origin.commit({"a": b"%d" % number})
    origin.git("update-server-info")
    mirror = mirror_of(f"{dumb_http.url}/config.git", tmp_path)
    assert mirror.fetch("main").sha == sha
    newer = origin.commit({"a": b"new"})
    origin.git("update-server-info")
    assert mirror.fetch("main").sha == newer


def test_a_server_that_gives_only_tips_is_asked_for_everything_to_find_a_commit(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protocol 0 refuses commits that no ref is at; version 2 does not."""
    first = origin.commit(A)
    origin.commit({"b": b"b"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    git = mirror.repository.git
    old = {
        key: "0" if value == "2" and key.startswith("GIT_CONFIG_VALUE") else value
        for key, value in git.environment.items()
    }
    monkeypatch.setattr(mirror.repository, "git", type(git)(git.folder, old, git.redact, git.timeout))
    assert mirror.fetch(first).sha == first


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


def test_fm10_both_spellings_share_one_mirror(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    for url in (origin.url, f"{origin.url}/", origin.url.removesuffix(".git"), f"file://{origin.url}"):
        mirror_of(url, tmp_path).fetch()
    assert len([path for path in (tmp_path / "mirrors").iterdir() if path.is_dir()]) == 1


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
    mirror.fetch(allow_rewrite=False)
    origin.commit({"c": b"c"}, onto=base)
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            mirror.fetch(allow_rewrite=False)
        assert caught.value.reason == "NonFastForward"
    restored = origin.commit({"d": b"d"}, onto=good)
    assert mirror.fetch(allow_rewrite=False).sha == restored


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_fm19_many_commits_at_once_are_no_rewrite(origin: Origin, tmp_path: Path, count: int) -> None:
    origin.commit(A)
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    for number in range(count):
        newest = origin.commit({"b": b"%d" % number})
    fetched = mirror.fetch(allow_rewrite=False)
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
    assert mirror.fetch(allow_rewrite=False).sha == merge


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


def test_a_token_opens_a_protected_repository(git_http: GitHttp, origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit(A)
    git_http.password = ("x-access-token", "s3cret&/ü")
    token = Credentials(token=SecretValue("s3cret&/ü"))
    assert mirror_of(f"{git_http.url}/config.git", tmp_path, token).fetch().sha == sha


def test_credentials_of_the_url_open_a_protected_repository(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    sha = origin.commit(A)
    git_http.password = ("bob", "p@ss word")
    url = git_http.url.replace("http://", "http://bob:p%40ss%20word@")
    assert mirror_of(f"{url}/config.git", tmp_path).fetch().sha == sha


def test_hooks_filters_and_symlinks_of_a_repository_do_nothing(origin: Origin, tmp_path: Path) -> None:
    """Blobs come from the object store, so nothing of a repository is ever run or followed."""
    files: dict[str, bytes | None] = {
        ".gitattributes": b"* filter=evil\n",
        "link": b"/etc/passwd",
        ".gitmodules": b'[submodule "x"]\n path = x\n url = ext::touch /tmp/x\n',
        "x": b"1" * 40,
    }
    sha = origin.commit(files, modes={"link": "120000", "x": "160000"})
    mirror = mirror_of(origin.url, tmp_path)
    mirror.fetch()
    listed = {file.path: file for file in mirror.repository.entries(sha)}
    assert listed["link"].mode == 0o120000
    assert listed["x"].mode == 0o160000
    assert dict(mirror.repository.read_blobs([listed["link"].blob])) == {listed["link"].blob: b"/etc/passwd"}
