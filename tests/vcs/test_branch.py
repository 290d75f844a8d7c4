"""A branch that several append to, here and on a remote."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.branch import Base, Branch, LocalBranch, RemoteBranch
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.commits import Draft, with_trailers
from argos_gitops.vcs.environment import git_environment, redactor
from argos_gitops.vcs.mirror import DEFAULT_LIMITS, Mirror
from argos_gitops.vcs.repository import Repository
from tests.components.git import GitHttp, Origin

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "argos/status/home"
REF = f"refs/heads/{NAME}"
FIRST = Draft(REF, None, "first\n", AT, {"a/b.txt": b"one\n", "c": b""})


def remote(origin: Origin, folder: Path) -> RemoteBranch:
    return RemoteBranch(Mirror(parse_address(origin.url), folder), NAME)


def local(origin: Origin) -> LocalBranch:
    git = Git(origin.folder, git_environment(None), redactor(None), DEFAULT_LIMITS.git)
    return LocalBranch(Repository(git), NAME)


@pytest.fixture(params=["local", "remote"])
def branch(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path) -> Branch:
    return local(origin) if request.param == "local" else remote(origin, tmp_path / "mirrors")


def test_the_first_commit_begins_a_branch_of_its_own(branch: Branch, origin: Origin) -> None:
    origin.commit({"config.yaml": b"x"})
    assert branch.refresh() == Base(None)
    commit = branch.append(FIRST)
    assert branch.base() == branch.refresh() == Base(commit)
    assert origin.log(REF, "%H %s %ct %an") == [f"{commit} first {int(AT.timestamp())} argos-gitops"]
    assert origin.git("ls-tree", "-r", "--name-only", REF).split() == ["a/b.txt", "c"]


def test_further_commits_change_only_what_they_name(branch: Branch, origin: Origin) -> None:
    first = branch.append(FIRST)
    blob = origin.git("rev-parse", f"{first}:a/b.txt")
    second = replace(
        FIRST, parent=first, writes={"a/d": b"two\n"}, links={"e/f": blob}, removals=frozenset({"c"})
    )
    branch.append(second)
    assert origin.git("ls-tree", "-r", "--name-only", REF).split() == ["a/b.txt", "a/d", "e/f"]
    assert origin.file(REF, "e/f") == "one"
    assert len(origin.log(REF)) == 2


def test_fm10_whoever_is_slower_is_told_and_nothing_is_lost(origin: Origin, tmp_path: Path) -> None:
    one, other = remote(origin, tmp_path / "one"), remote(origin, tmp_path / "other")
    first = one.append(FIRST)
    with pytest.raises(GitError) as caught:
        other.append(replace(FIRST, writes={"mine": b"1"}))
    assert caught.value.reason == "PushRejected"
    base = other.refresh()
    assert base.tip == first
    assert base.unsent not in (None, first)
    other.append(replace(FIRST, parent=first, writes={"mine": b"1"}))
    assert len(origin.log(REF)) == 2
    assert origin.file(REF, "a/b.txt") == "one"


def test_fm10_two_processes_on_one_mirror_do_not_overwrite_each_other(origin: Origin, tmp_path: Path) -> None:
    one, other = remote(origin, tmp_path / "same"), remote(origin, tmp_path / "same")
    base = other.base()
    one.append(FIRST)
    with pytest.raises(GitError) as caught:
        other.append(replace(FIRST, parent=base.tip, writes={"other": b"1"}))
    assert caught.value.reason == "RefMoved"


def test_what_could_not_be_pushed_goes_with_the_next(origin: Origin, tmp_path: Path) -> None:
    branch = remote(origin, tmp_path / "mirrors")
    first = branch.append(FIRST)
    away = origin.folder.rename(origin.folder.with_name("away.git"))
    with pytest.raises(GitError):
        branch.append(replace(FIRST, parent=first, writes={"x": b"1"}))
    away.rename(origin.folder)
    base = branch.base()
    assert base.unsent == base.tip
    branch.send(base)
    assert len(origin.log(REF)) == 2
    assert branch.base().unsent is None


def test_a_branch_that_somebody_removed_begins_anew(origin: Origin, tmp_path: Path) -> None:
    branch = remote(origin, tmp_path / "mirrors")
    branch.append(FIRST)
    origin.git("update-ref", "-d", REF)
    assert branch.refresh().tip is None
    branch.append(FIRST)
    assert len(origin.log(REF)) == 1


def test_a_branch_that_somebody_rewrote_is_built_upon_not_forced(origin: Origin, tmp_path: Path) -> None:
    branch = remote(origin, tmp_path / "mirrors")
    branch.append(FIRST)
    origin.git("update-ref", "-d", REF)
    theirs = origin.commit({"theirs": b"1"}, branch=NAME)
    assert branch.refresh().tip == theirs
    branch.append(replace(FIRST, parent=theirs))
    assert origin.file(REF, "theirs") == "1"


def test_a_refusal_for_good_is_no_race(origin: Origin, tmp_path: Path) -> None:
    hook(origin, "pre-receive", "echo the branch is protected >&2; exit 1")
    with pytest.raises(GitError, match="the branch is protected") as caught:
        remote(origin, tmp_path / "mirrors").append(FIRST)
    assert caught.value.reason == "PushRefused"


def test_fm20_the_history_of_the_branch_is_not_fetched(origin: Origin, tmp_path: Path) -> None:
    for number in range(30):
        tip = origin.commit({"x": b"%d" % number}, branch=NAME)
    branch = remote(origin, tmp_path / "mirrors")
    assert branch.refresh().tip == tip
    assert branch.repository.history(tip) == [tip]


def test_trailers_are_read_by_git_and_keep_to_one_line(origin: Origin) -> None:
    message = with_trailers("Applied 3f2a9c1 move", {"Argos-Instance": "home", "Argos-Result": "a\nFake: b"})
    local(origin).append(replace(FIRST, message=message))
    trailers = origin.git("log", "-1", "--format=%(trailers:only)", REF)
    assert trailers.splitlines() == ["Argos-Instance: home", "Argos-Result: a Fake: b"]


def hook(origin: Origin, name: str, script: str) -> None:
    path = origin.folder / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("other", ["argos", "argos/status", "argos/status/home/x"])
def test_a_branch_whose_name_is_in_the_way_is_named(branch: Branch, origin: Origin, other: str) -> None:
    tip = origin.commit({"x": b"1"}, branch=other)
    for write in (lambda: branch.check(tip), lambda: branch.append(FIRST)):
        with pytest.raises(GitError, match=f"branch {other} is in the way of {NAME}: ") as caught:
            write()
        assert caught.value.reason == "BranchNameTaken"
    origin.git("update-ref", "-d", f"refs/heads/{other}")
    branch.refresh()
    branch.append(FIRST)


@pytest.mark.parametrize("rule", ["pre-receive", "update", "hidden refs"])
def test_a_rule_of_the_server_is_no_race_whatever_its_words_are(
    origin: Origin, tmp_path: Path, rule: str
) -> None:
    """It may talk of locks and of what to fetch first."""
    if rule == "hidden refs":
        origin.git("config", "transfer.hideRefs", "refs/heads/argos")
    else:
        hook(origin, rule, "echo cannot lock ref, fetch first, non-fast-forward, stale info >&2; exit 1")
    with pytest.raises(GitError, match=f"the server refuses {NAME}: .*allow whoever") as caught:
        remote(origin, tmp_path / "mirrors").append(FIRST)
    assert caught.value.reason == "PushRefused"


def test_a_lock_that_somebody_left_on_the_server_is_told_as_one(origin: Origin, tmp_path: Path) -> None:
    lock = origin.folder / f"{REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    branch = remote(origin, tmp_path / "mirrors")
    with pytest.raises(GitError, match="left its lock behind") as caught:
        branch.append(FIRST)
    assert caught.value.reason == "RefBusy"
    lock.unlink()
    branch.send(branch.base())
    assert len(origin.log(REF)) == 1


def test_a_server_that_lets_nobody_push_is_known_before(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    tip = origin.commit({"x": b"1"})
    origin.git("config", "http.receivepack", "false")
    mirror = Mirror(parse_address(f"{git_http.url}/config.git"), tmp_path / "mirrors")
    mirror.fetch()
    with pytest.raises(GitError, match=r"403.*the right to write, and to push to argos/status/home"):
        RemoteBranch(mirror, NAME).check(tip)
    origin.git("config", "http.receivepack", "true")
    RemoteBranch(mirror, NAME).check(tip)
    assert origin.tip(REF) is None
