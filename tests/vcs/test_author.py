"""Who our commits are by, and that they are signed, on every branch that we write."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError
from argos_gitops.status.open import open_branch, open_offer
from argos_gitops.vcs.branch import Branch
from argos_gitops.vcs.commits import Author, Draft
from argos_gitops.vcs.environment import Credentials
from tests.components.git import Origin
from tests.components.signing import HOW_TO_GET_SSH_KEYGEN, ssh_signer
from tests.conftest import require_component

NAME = "argos/status/home"
REF = f"refs/heads/{NAME}"
FIRST = Draft(REF, None, "first\n\nArgos-Offer: x\n", datetime(2026, 1, 2, tzinfo=UTC), {"a": b"1\n"})
WHO = "Ärgos, the edge <argos@example.com>"


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path) -> tuple[str, Origin]:
    origin.commit({"x": b"1"})
    if request.param == "remote":
        return origin.url, origin
    origin.git("clone", "--quiet", origin.url, str(tmp_path / "work"))
    work = Origin.__new__(Origin)
    work.folder = tmp_path / "work"
    return str(work.folder), work


def branch_of(place: tuple[str, Origin], tmp_path: Path, author: Author) -> Branch:
    branch = open_branch(place[0], NAME, tmp_path / "cache", Credentials(author=author))
    assert branch is not None
    return branch


def test_commits_are_by_whom_the_settings_name(place: tuple[str, Origin], tmp_path: Path) -> None:
    author = Author.parse(WHO)
    branch_of(place, tmp_path, author).append(FIRST)
    assert place[1].log(REF, "%an <%ae> %cn <%ce>") == [f"{WHO} {WHO}"]
    offer = open_offer(place[0], "argos/drift", tmp_path / "cache", Credentials(author=author))
    assert offer is not None
    offer.put(FIRST, offer.tip())
    tip = offer.tip()
    assert tip is not None
    assert tip.offer == "x", "an offer of ours is known as ours"
    again = open_offer(place[0], "argos/drift", tmp_path / "cache")
    assert again is not None
    other = again.tip()
    assert other is not None
    assert other.offer is None


def test_signed_commits_are_good_and_build_on_each_other(place: tuple[str, Origin], tmp_path: Path) -> None:
    require_component("ssh-keygen", HOW_TO_GET_SSH_KEYGEN)
    signer = ssh_signer(tmp_path, "agent")
    (tmp_path / "allowed").write_text(f"argos@example.com {signer.public}\n")
    branch = branch_of(place, tmp_path, Author.parse(WHO, tmp_path / "agent.key"))
    first = branch.append(FIRST)
    second = branch.append(replace(FIRST, parent=first, message="second\n", writes={"b": b"2\n"}))
    judged = ("-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}")
    for commit in (first, second):
        place[1].git(*judged, "verify-commit", commit)
    assert place[1].log(REF, "%H %s %ct %an") == [
        f"{second} second {int(FIRST.at.timestamp())} Ärgos, the edge",
        f"{first} first {int(FIRST.at.timestamp())} Ärgos, the edge",
    ]
    assert place[1].git("ls-tree", "-r", "--name-only", REF).split() == ["a", "b"]
    with pytest.raises(GitError) as caught:
        branch.append(replace(FIRST, parent=first, writes={"c": b"3\n"}))
    assert caught.value.reason == "RefMoved"
    assert not place[1].git("for-each-ref", "refs/argos/unsigned")


def test_a_key_that_cannot_sign_is_named(place: tuple[str, Origin], tmp_path: Path) -> None:
    require_component("ssh-keygen", HOW_TO_GET_SSH_KEYGEN)
    key = tmp_path / "canary.key"
    key.write_text("no key\n")
    key.chmod(0o600)
    with pytest.raises(GitError, match=r"cannot sign with the key .*canary\.key") as caught:
        branch_of(place, tmp_path, Author.parse(WHO, key)).append(FIRST)
    assert caught.value.reason == "SigningFailed"
    assert place[1].tip(REF) is None


@pytest.mark.parametrize(
    "wrong", ["", "x", "<a@b>", "a <b>", "a <b@c> d", "a\n <b@c>", "a <b@c>\n", "a <<b@c>"]
)
def test_what_is_no_author_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="NAME <ADDRESS>"):
        Author.parse(wrong)
