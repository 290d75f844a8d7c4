"""A branch that is ours to rewrite until a person pushes to it, here and on a remote."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.commits import Draft, with_trailers
from argos_gitops.vcs.environment import git_environment, redactor
from argos_gitops.vcs.mirror import DEFAULT_LIMITS
from argos_gitops.vcs.offer import OFFER_TRAILER, LocalOffer, Offer, RemoteOffer, Tip
from argos_gitops.vcs.repository import Repository
from tests.components.git import Origin
from tests.vcs.mirrors import A, mirror_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "argos/drift/home/a"
REF = f"refs/heads/{NAME}"


def draft(parent: str, content: bytes, name: str = "hosts/a.yaml") -> Draft:
    message = with_trailers("a: as it is live", {OFFER_TRAILER: content.hex()})
    return Draft("", parent, message, AT, {name: content})


@pytest.fixture(params=["local", "remote"])
def offer(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path) -> Offer:
    if request.param == "remote":
        return RemoteOffer(mirror_of(origin.url, tmp_path), NAME)
    git = Git(origin.folder, git_environment(None), redactor(None), DEFAULT_LIMITS.git)
    return LocalOffer(Repository(git), NAME)


def test_a_branch_is_one_commit_on_what_was_read(offer: Offer, origin: Origin) -> None:
    """Also where the followed branch has moved on since."""
    read = origin.commit(A)
    origin.commit({"hosts/b.yaml": b"b\n"})
    assert offer.tip() is None
    commit = offer.put(draft(read, b"a: 2\n"), None)
    assert offer.tip() == Tip(commit, b"a: 2\n".hex())
    assert origin.log(REF) == [commit, read]
    assert origin.git("ls-tree", "-r", "--name-only", REF).split() == ["hosts/a.yaml"]


def test_what_changed_is_offered_anew_as_one_commit(offer: Offer, origin: Origin) -> None:
    """On a newer revision, without the commit from before."""
    first = origin.commit(A)
    offer.put(draft(first, b"a: 2\n"), offer.tip())
    second = origin.commit({"hosts/b.yaml": b"b\n"})
    commit = offer.put(draft(second, b"a: 3\n"), offer.tip())
    assert origin.log(REF) == [commit, second, first]
    assert origin.file(REF, "hosts/a.yaml") == "a: 3"


def test_whoever_pushes_meanwhile_is_not_overwritten(offer: Offer, origin: Origin) -> None:
    """The lease is on what we saw; afterwards the branch is somebody else's."""
    read = origin.commit(A)
    offer.put(draft(read, b"a: 2\n"), None)
    seen = offer.tip()
    theirs = origin.commit({"hosts/a.yaml": b"a: 5\n"}, branch=NAME)
    with pytest.raises(GitError) as caught:
        offer.put(draft(read, b"a: 3\n"), seen)
    assert caught.value.reason == "PushRejected"
    assert offer.tip() == Tip(theirs, None)
    assert origin.tip(REF) == theirs


def test_a_branch_that_appeared_meanwhile_is_not_overwritten(offer: Offer, origin: Origin) -> None:
    """Also when we believed that there was none."""
    read = origin.commit(A)
    theirs = origin.commit({"x": b"x\n"}, branch=NAME)
    with pytest.raises(GitError) as caught:
        offer.put(draft(read, b"a: 3\n"), None)
    assert caught.value.reason == "PushRejected"
    assert origin.tip(REF) == theirs


def test_odd_paths_arrive_as_they_are(offer: Offer, origin: Origin) -> None:
    """A name that begins with a quote would be read as a quoted one."""
    read = origin.commit(A)
    offer.put(replace(draft(read, b"x\n", 'with space/"quoted".yaml')), None)
    assert offer.tip() is not None
    assert 'with space/"quoted".yaml' in origin.git("ls-tree", "-r", "-z", "--name-only", REF)


def test_the_base_is_the_followed_branch_or_the_default(origin: Origin, tmp_path: Path) -> None:
    """A tag cannot be merged into; nor is there anything to merge into where there is no forge."""
    origin.commit(A)
    origin.commit(A, branch="edge")
    origin.git("tag", "v1", "main")
    offer = RemoteOffer(mirror_of(origin.url, tmp_path), NAME)
    assert [offer.base(name) for name in (None, "edge", "v1")] == ["main", "edge", None]
