"""Where the status branch goes, and reading it again."""

import subprocess
from pathlib import Path

import pytest

from argos_gitops.model.errors import ReportError
from argos_gitops.status import StatusBranch, open_branch, read_status
from argos_gitops.vcs.branch import Branch
from argos_gitops.vcs.environment import Credentials
from tests.components.git import GitHttp, Origin, RealSshd
from tests.status.passes import a_pass, change, sha_of

NAME = "argos/status/home"


def opened(repo: str, cache: Path, credentials: Credentials | None = None) -> Branch:
    branch = open_branch(repo, NAME, cache, credentials or Credentials())
    assert branch is not None
    return branch


def test_in_a_checkout_the_branch_appears_and_no_file_moves(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a.yaml": b"a"})
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", origin.url, str(checkout)], check=True)
    before = sorted(path for path in checkout.rglob("*") if ".git" not in path.parts)
    agent = StatusBranch("home", lambda name: open_branch(str(checkout), name, tmp_path / "cache"))
    for revision in (1, 2):
        agent.report(a_pass(revision))
    assert sorted(path for path in checkout.rglob("*") if ".git" not in path.parts) == before
    said = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, check=True)
    assert said.stdout == b""
    log = subprocess.run(
        ["git", "log", "--format=%s", NAME], cwd=checkout, capture_output=True, check=True, text=True
    )
    assert log.stdout.splitlines() == ["NoChange 0000002 move grafana", "NoChange 0000001 move grafana"]
    assert origin.tip(f"refs/heads/{NAME}") is None


def test_a_folder_without_git_has_no_status_branch(tmp_path: Path) -> None:
    assert open_branch(str(tmp_path), NAME, tmp_path / "cache") is None
    StatusBranch("home", lambda name: open_branch(str(tmp_path), name, tmp_path / "cache")).report(a_pass(1))


def test_over_http_and_over_ssh(git_http: GitHttp, sshd: RealSshd, origin: Origin, tmp_path: Path) -> None:
    git_http.password = ("bob", "pa ss")
    url = git_http.url.replace("//", "//bob:pa%20ss@")
    origin.git("config", "http.receivepack", "true")
    by_http = StatusBranch("home", lambda name: open_branch(f"{url}/config.git", name, tmp_path / "http"))
    by_http.report(a_pass(1, [change("a")]))
    credentials = Credentials(ssh_key=sshd.key, known_hosts=sshd.known_hosts)
    by_ssh = StatusBranch(
        "home", lambda name: open_branch(sshd.url(origin.folder), name, tmp_path / "ssh", credentials)
    )
    by_ssh.report(a_pass(2, [change("a")], minutes=1))
    by_http.report(a_pass(3, [change("a")], minutes=2))
    assert len(origin.log(f"refs/heads/{NAME}")) == 3


def test_what_was_written_can_be_read(origin: Origin, tmp_path: Path) -> None:
    StatusBranch("home", lambda name: open_branch(origin.url, name, tmp_path / "agent")).report(a_pass(1))
    pages = read_status(opened(origin.url, tmp_path / "reader"))
    assert pages is not None
    assert pages.commit == origin.tip(f"refs/heads/{NAME}")
    assert pages.status["revisions"] == {
        "attempted": sha_of(1),
        "applied": sha_of(1),
        "healthy": sha_of(1),
        "appliedAt": "2026-01-02T03:04:05Z",
    }
    assert pages.readme.startswith("# home")
    assert "Nothing drifts." in pages.drift


def test_no_branch_yet_is_no_error_and_another_programs_branch_is(origin: Origin, tmp_path: Path) -> None:
    assert read_status(opened(origin.url, tmp_path / "reader")) is None
    origin.commit({"x": b"x"}, branch=NAME)
    with pytest.raises(ReportError, match=r"status\.yaml"):
        read_status(opened(origin.url, tmp_path / "reader"))


def test_fm20_reporting_costs_the_same_in_a_large_repository(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    """Nothing of the configuration is fetched for it."""
    origin.commit({f"hosts/{number}.yaml": b"%d" % number * 400 for number in range(300)})
    origin.git("config", "http.receivepack", "true")
    url = f"{git_http.url}/config.git"
    StatusBranch("home", lambda name: open_branch(url, name, tmp_path / "one")).report(a_pass(1))
    StatusBranch("home", lambda name: open_branch(url, name, tmp_path / "two")).report(a_pass(2))
    assert git_http.traffic.sent < 10_000
