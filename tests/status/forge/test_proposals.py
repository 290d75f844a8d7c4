"""Proposals as branches and pull requests, on a real Gitea and in plain repositories."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.app.clock import SystemClock
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.errors import ReportError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import EagerResources
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.proposal import Proposal
from argos_gitops.status.forge.access import ForgeAccess, forge_of
from argos_gitops.status.forge.forge import Forge
from argos_gitops.status.forge.proposals import ConfigRepository, Proposals
from argos_gitops.status.open import open_offer
from argos_gitops.vcs.environment import Credentials
from argos_gitops.vcs.offer import Offer
from tests.components.git import Origin
from tests.fakes import resource
from tests.status.forge.conftest import Project

BRANCH = "argos/drift/home/host-wiki"


def access_to(project: Project | None) -> ForgeAccess:
    def opened(spec: ForgeSpec) -> Forge:
        assert project is not None
        return forge_of(spec, project.url, project)

    access = ForgeAccess(opened, SystemClock())
    spec = AgentSpec(forge=project.spec if project else None)
    access.follow(EagerResources([resource("Agent", "agent", spec)], "f"))
    return access


@pytest.fixture
def proposals(project: Project, tmp_path: Path) -> Iterator[Proposals]:
    access = access_to(project)
    credentials = Credentials(SecretValue(project.token))

    def offer(name: str) -> Offer | None:
        return open_offer(project.url, name, tmp_path / "cache", credentials)

    yield Proposals("home", ConfigRepository(offer, "edge"), access, SystemClock())
    access.close()


@pytest.fixture
def proposal(project: Project) -> Proposal:
    sha = project.commit({"edge/hosts/wiki.yaml": b"a: 1\n"})
    files = {"hosts/wiki.yaml": b"a: 2\n"}
    return Proposal("host-wiki", sha, "Host/wiki as it is live", "Somebody changed `a`.", files)


def _pull(project: Project) -> Any:
    pulls = project.api("GET", "pulls?state=all")
    assert len(pulls) == 1
    return pulls[0]


def test_a_proposal_is_one_pull_request_that_follows_it(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """Opened once; new files become its one commit; nothing happens where nothing changed."""
    url = proposals.propose(proposal)
    first = _pull(project)
    assert (first["html_url"], first["title"], first["base"]["label"]) == (url, proposal.title, "main")
    assert str(first["body"]).startswith("Somebody changed `a`.")
    assert proposals.propose(proposal) == url
    assert _pull(project)["updated_at"] == first["updated_at"]
    changed = replace(proposal, title="Again", files={"hosts/wiki.yaml": b"a: 3\n"})
    assert proposals.propose(changed) == url
    assert _pull(project)["title"] == "Again"
    assert len(project.api("GET", "pulls/1/commits")) == 1
    assert [file["filename"] for file in project.api("GET", "pulls/1/files")] == ["edge/hosts/wiki.yaml"]


def test_a_merged_proposal_is_what_was_proposed(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """And when the same is needed once more, there is another pull request."""
    first = proposals.propose(proposal)
    merge = project.merge(1)
    raw = project.api("GET", f"contents/edge/hosts/wiki.yaml?ref={merge}")
    assert raw["content"] == "YTogMgo="
    undone = project.api("GET", f"contents/edge/hosts/wiki.yaml?ref={proposal.revision}")
    body = {"message": "undo", "content": undone["content"], "sha": raw["sha"]}
    reverted = project.api("PUT", "contents/edge/hosts/wiki.yaml", body)["commit"]["sha"]
    assert proposals.propose(replace(proposal, revision=reverted)) != first


def test_a_person_s_commit_on_the_branch_stays(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """Whoever works on it is not disturbed, whatever changes meanwhile."""
    url = proposals.propose(proposal)
    theirs = project.gitea.commit(project.name, {"note.md": b"wait\n"}, branch=BRANCH, onto=BRANCH)
    assert proposals.propose(replace(proposal, files={"hosts/wiki.yaml": b"a: 3\n"})) == url
    assert project.api("GET", f"branches/{BRANCH}")["commit"]["id"] == theirs


def test_what_was_declined_is_not_proposed_again(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """A closed pull request is a no to these files; other files are another question."""
    url = proposals.propose(proposal)
    project.api("PATCH", "pulls/1", {"state": "closed"})
    project.api("DELETE", f"branches/{BRANCH}")
    assert proposals.propose(proposal) == url
    assert len(project.api("GET", "branches")) == 1
    other = proposals.propose(replace(proposal, files={"hosts/wiki.yaml": b"a: 3\n"}))
    assert other != url


def test_what_means_the_same_is_not_proposed_again(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """A no to `app 1 → 2` holds whatever else the file says by then; `app 1 → 3` is another question."""
    meant = replace(proposal, topic="updates/nightly", meaning="app 1 → 2")
    url = proposals.propose(meant)
    assert _pull(project)["head"]["label"] == "argos/updates/nightly/home/host-wiki"
    project.api("PATCH", "pulls/1", {"state": "closed"})
    files = {"hosts/wiki.yaml": b"a: 3\n"}
    assert proposals.propose(replace(meant, files=files)) == url
    assert proposals.propose(replace(meant, files=files, meaning="app 1 → 3")) != url


def test_what_is_obsolete_is_withdrawn(project: Project, proposals: Proposals, proposal: Proposal) -> None:
    """Closed with a word, unless a person works on it; others stay; and it can be proposed once more."""
    ours = [replace(proposal, key=key, topic="updates/nightly") for key in ("one", "two", "three")]
    one, two, three = (proposals.propose(each) for each in ours)
    drift = proposals.propose(proposal)
    branch = "argos/updates/nightly/home/three"
    project.gitea.commit(project.name, {"note.md": b"wait\n"}, branch=branch, onto=branch)
    assert proposals.withdraw("updates/nightly", ["two"]) == [one]
    opened = {pull["html_url"] for pull in project.api("GET", "pulls?state=open")}
    assert opened == {two, three, drift}
    assert "Closed by argos-gitops" in project.api("GET", "pulls/1")["body"]
    assert proposals.propose(ours[0]) not in (one, two, three)


def test_a_commit_stands_on_the_followed_branch_itself(
    project: Project, proposals: Proposals, proposal: Proposal
) -> None:
    """On top of the revision that was edited, and never over what came since."""
    sha = proposals.commit(proposal)
    assert project.api("GET", "branches/main")["commit"]["id"] == sha
    assert project.api("GET", f"git/commits/{sha}")["parents"][0]["sha"] == proposal.revision
    with pytest.raises(ReportError, match="could not be pushed"):
        proposals.commit(replace(proposal, files={"hosts/wiki.yaml": b"a: 4\n"}))
    assert project.api("GET", "branches/main")["commit"]["id"] == sha


def test_nothing_is_committed_where_it_would_not_be_followed(origin: Origin, tmp_path: Path) -> None:
    """An agent that follows signed commits alone would reject its own; a checkout's branch is a person's."""
    sha = origin.commit({"a": b"1\n"})
    checkout = tmp_path / "checkout"
    origin.git("clone", "--quiet", origin.url, str(checkout))
    for signed, place, reason in ((True, origin.url, "NotSigned"), (False, str(checkout), "NoBranch")):
        opened = partial(open_offer, place, cache=tmp_path / "cache")
        repository = ConfigRepository(opened, signed=signed)
        with pytest.raises(ReportError) as refusal:
            Proposals("home", repository, access_to(None), SystemClock()).commit(
                Proposal("x", sha, "x", "", {"a": b"2\n"})
            )
        assert refusal.value.reason == reason


def test_without_a_forge_nothing_is_withdrawn(origin: Origin, tmp_path: Path) -> None:
    """There are branches alone, which disturb nobody."""
    repository = ConfigRepository(lambda name: open_offer(origin.url, name, tmp_path / "cache"))
    assert Proposals("home", repository, access_to(None), SystemClock()).withdraw("drift", ()) == ()


def test_without_a_forge_the_branch_alone_is_pushed(origin: Origin, tmp_path: Path) -> None:
    """And named, so that somebody finds it."""
    sha = origin.commit({"hosts/wiki.yaml": b"a: 1\n", "other": b"x"})
    repository = ConfigRepository(lambda name: open_offer(origin.url, name, tmp_path / "cache"))
    proposals = Proposals("home", repository, access_to(None), SystemClock())
    files = {"hosts/wiki.yaml": b"a: 2\n"}
    name = proposals.propose(Proposal("Host/wiki", sha, "Host/wiki as it is live", "", files))
    assert name.startswith("argos/drift/home/host-wiki-")
    assert origin.file(f"refs/heads/{name}", "hosts/wiki.yaml") == "a: 2"
    assert origin.file(f"refs/heads/{name}", "other") == "x"


def test_nothing_is_pushed_before_it_is_known_whether_there_is_a_forge(
    origin: Origin, tmp_path: Path
) -> None:
    """Else the branch would stand there without its pull request, and nobody would come back to it."""
    sha = origin.commit({"a.yaml": b"1\n"})
    repository = ConfigRepository(lambda name: open_offer(origin.url, name, tmp_path / "cache"))
    known: list[EagerResources] = []
    access = ForgeAccess(_no_forge, SystemClock(), lambda: known[0] if known else None)
    proposals = Proposals("home", repository, access, SystemClock())
    proposal = Proposal("a", sha, "a", "", {"a.yaml": b"2\n"})
    with pytest.raises(ReportError, match="tried again"):
        proposals.propose(proposal)
    assert origin.tip("refs/heads/argos/drift/home/a") is None
    known.append(EagerResources([resource("Agent", "agent", AgentSpec())], "f"))
    assert proposals.propose(proposal) == "argos/drift/home/a"


def _no_forge(spec: ForgeSpec) -> Forge:
    raise AssertionError(f"{spec.type} was asked")


def test_a_folder_without_git_cannot_be_proposed_to(tmp_path: Path) -> None:
    """Told as such, for whoever chose the mode."""
    repository = ConfigRepository(lambda name: open_offer(str(tmp_path), name, tmp_path / "cache"))
    proposals = Proposals("home", repository, access_to(None), SystemClock())
    with pytest.raises(ReportError, match="without git"):
        proposals.propose(Proposal("x", "0" * 40, "x", "", {"a": b""}))
