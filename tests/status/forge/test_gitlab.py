"""The client for GitLab, against what its public documentation says of paths, methods and answers."""

from collections.abc import Callable
from typing import Any

import pytest

from argos_gitops.model.errors import ReportError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.secret import SecretRef
from argos_gitops.status.forge.forge import (
    Comment,
    CommitStatus,
    Forge,
    NewPullRequest,
    PullRequest,
    State,
)
from tests.status.forge.conftest import TOKEN
from tests.status.forge.standin import Answer, StandIn

SHA = "18f3e63d05582537db6d183d9d557be09e1f90c8"
ROOT = "/api/v4/projects/edge%2Fsites%2Fconfig"


@pytest.fixture
def forge(standin: StandIn, opened: Callable[[ForgeSpec, str], Forge]) -> Forge:
    """A project in a subgroup."""
    spec = ForgeSpec(type="gitlab", token=SecretRef(env="FORGE_TOKEN"))
    return opened(spec, f"{standin.url}/edge/sites/config.git")


def merge_request(iid: int, state: str = "opened", source: int = 5) -> dict[str, Any]:
    """The fields of a merge request that we read, as /api/merge_requests shows them."""
    return {
        "id": 1000 + iid,
        "iid": iid,
        "web_url": f"https://gitlab.example/edge/sites/config/-/merge_requests/{iid}",
        "source_branch": "change",
        "sha": SHA,
        "title": "the title",
        "description": "the description",
        "state": state,
        "source_project_id": source,
        "target_project_id": 5,
    }


def test_a_status_is_posted_as_documented(forge: Forge, standin: StandIn) -> None:
    """POST /projects/:id/statuses/:sha; a failure is called `failed`."""
    standin.answers[f"POST {ROOT}/statuses/{SHA}"] = Answer({}, 201)
    forge.set_status(SHA, CommitStatus("argos-gitops/home", State.FAILURE, "blocked", "https://a.example"))
    [asked] = standin.asked
    assert asked.body == {
        "state": "failed",
        "name": "argos-gitops/home",
        "description": "blocked",
        "target_url": "https://a.example",
    }
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_status_that_waits_already_is_left(forge: Forge, standin: StandIn) -> None:
    """GitLab refuses what it calls a transition from a state to itself; other refusals are errors."""
    path = f"POST {ROOT}/statuses/{SHA}"
    refusal = {"message": "Cannot transition status via :enqueue from :pending (Reason(s): …)"}
    standin.answers[path] = Answer(refusal, 400)
    forge.set_status(SHA, CommitStatus("c", State.PENDING, "waits"))
    standin.answers[path] = Answer({"message": "name is too long"}, 400)
    with pytest.raises(ReportError, match="name is too long"):
        forge.set_status(SHA, CommitStatus("c", State.PENDING, "waits"))


def test_the_status_of_a_context_is_found(forge: Forge, standin: StandIn) -> None:
    """Asked for by its name."""
    told = {"name": "c", "status": "running", "description": None, "target_url": None}
    standin.answers[f"GET {ROOT}/repository/commits/{SHA}/statuses"] = Answer([told])
    assert forge.status(SHA, "c") == CommitStatus("c", State.PENDING, "")
    assert standin.asked[0].query == {"name": "c", "per_page": "100"}
    standin.answers[f"GET {ROOT}/repository/commits/{SHA}/statuses"] = Answer([])
    assert forge.status(SHA, "c") is None


def test_merge_requests_are_found(forge: Forge, standin: StandIn) -> None:
    """Of a commit, from a branch of this project and no fork's of the same name, and into a branch."""
    answered = [merge_request(2), merge_request(1, "merged"), merge_request(3, source=9)]
    standin.answers[f"GET {ROOT}/repository/commits/{SHA}/merge_requests"] = Answer(answered)
    standin.answers[f"GET {ROOT}/merge_requests"] = Answer(answered)
    found = forge.pull_requests_of(SHA)
    assert found[0] == PullRequest(
        number=2,
        url="https://gitlab.example/edge/sites/config/-/merge_requests/2",
        branch="change",
        head=SHA,
        title="the title",
        body="the description",
        open=True,
        merged=False,
        foreign=False,
    )
    assert [(each.open, each.merged, each.foreign) for each in found[1:]] == [
        (False, True, False),
        (True, False, True),
    ]
    assert [each.number for each in forge.pull_requests_from("argos/drift/home/a")] == [2, 1]
    forge.open_pull_requests("main")
    assert [asked.query for asked in standin.asked[1:]] == [
        {"source_branch": "argos/drift/home/a", "state": "all", "per_page": "100"},
        {"target_branch": "main", "state": "opened", "per_page": "100"},
    ]


def test_notes_are_comments(forge: Forge, standin: StandIn) -> None:
    """Oldest first, ours by the author, none that GitLab wrote itself."""
    standin.answers["GET /api/v4/user"] = Answer({"id": 42})
    standin.answers[f"GET {ROOT}/merge_requests/7/notes"] = Answer(
        [
            {"id": 1, "body": "mine", "author": {"id": 42}, "system": False},
            {"id": 2, "body": "theirs", "author": {"id": 43}, "system": False},
            {"id": 3, "body": "approved", "author": {"id": 42}, "system": True},
        ]
    )
    assert forge.comments(7) == [Comment(1, "mine", True), Comment(2, "theirs", False)]


def test_what_is_written_cannot_command_gitlab(forge: Forge, standin: StandIn) -> None:
    """A line such as `/merge` would be obeyed, also in what we only repeat."""
    standin.answers |= {
        f"POST {ROOT}/merge_requests/7/notes": Answer({}, 201),
        f"PUT {ROOT}/merge_requests/7/notes/99": Answer({}),
        f"POST {ROOT}/merge_requests": Answer(merge_request(8), 201),
        f"PUT {ROOT}/merge_requests/8": Answer(merge_request(8)),
    }
    forge.add_comment(7, "text\n/merge\n  /close now\na /path\n/1.2.3.4")
    forge.edit_comment(7, 99, "other")
    forge.open_pull_request(NewPullRequest("argos/drift/home/a", "main", "t", "/approve"))
    forge.edit_pull_request(8, "t2", "b2")
    forge.close_pull_request(8)
    assert [asked.body for asked in standin.asked] == [
        {"body": "text\n\\/merge\n  \\/close now\na /path\n/1.2.3.4"},
        {"body": "other"},
        {
            "source_branch": "argos/drift/home/a",
            "target_branch": "main",
            "title": "t",
            "description": "\\/approve",
            "remove_source_branch": True,
        },
        {"title": "t2", "description": "b2"},
        {"state_event": "close"},
    ]


def test_a_branch_has_a_page(forge: Forge, standin: StandIn) -> None:
    page = forge.branch_url("argos/status/home")
    assert page == f"{standin.url}/edge/sites/config/-/tree/argos/status/home"
