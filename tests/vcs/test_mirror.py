"""Fetching into a mirror: what can be asked for, over which transport, and what moves."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import SecretValue
from argos_gitops.vcs.environment import Credentials
from tests.components.git import DumbHttp, GitHttp, Origin, RealSshd
from tests.vcs.mirrors import A, contents, mirror_of


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


def test_fm10_both_spellings_share_one_mirror(origin: Origin, tmp_path: Path) -> None:
    origin.commit(A)
    for url in (origin.url, f"{origin.url}/", origin.url.removesuffix(".git"), f"file://{origin.url}"):
        mirror_of(url, tmp_path).fetch()
    assert len([path for path in (tmp_path / "mirrors").iterdir() if path.is_dir()]) == 1


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
