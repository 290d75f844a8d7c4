"""The client for GitHub, against what its public documentation says of paths, methods and answers."""

from collections.abc import Callable
from typing import Any

import pytest

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
from tests.status.forge.standin import Answer, Asked, StandIn

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
ROOT = "/api/v3/repos/octo-org/config"


@pytest.fixture
def forge(standin: StandIn, opened: Callable[[ForgeSpec, str], Forge]) -> Forge:
    """A GitHub Enterprise Server, as one of github.com cannot be had here."""
    spec = ForgeSpec(type="github", token=SecretRef(env="FORGE_TOKEN"))
    return opened(spec, f"{standin.url}/octo-org/config.git")


def pull(number: int, *, head: str = "octo-org/config", merged: bool = False) -> dict[str, Any]:
    """The fields of a pull request that we read, as /rest/pulls/pulls shows them."""
    return {
        "number": number,
        "html_url": f"https://github.example/octo-org/config/pull/{number}",
        "state": "closed" if merged else "open",
        "title": "the title",
        "body": None,
        "merged_at": "2026-01-26T19:01:12Z" if merged else None,
        "head": {
            "label": "octo-org:change",
            "ref": "change",
            "sha": SHA,
            "repo": {"full_name": head} if head else None,
        },
        "base": {"ref": "main", "sha": SHA, "repo": {"full_name": "octo-org/config"}},
    }


def test_a_status_is_posted_as_documented(forge: Forge, standin: StandIn) -> None:
    """POST /repos/{owner}/{repo}/statuses/{sha}, with the version and the token in headers."""
    standin.answers[f"POST {ROOT}/statuses/{SHA}"] = Answer({}, 201)
    forge.set_status(SHA, CommitStatus("argos-gitops/home", State.SUCCESS, "applied", "https://a.example"))
    [asked] = standin.asked
    assert asked.body == {
        "state": "success",
        "context": "argos-gitops/home",
        "description": "applied",
        "target_url": "https://a.example",
    }
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Accept"] == "application/vnd.github+json"
    assert asked.headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_the_status_of_a_context_is_found_on_any_page(forge: Forge, standin: StandIn) -> None:
    """The combined status lists the newest of each context, page by page."""

    def answer(asked: Asked) -> Answer:
        if asked.query.get("page") == "2":
            ours = {"context": "ours", "state": "error", "description": None, "target_url": None}
            return Answer({"state": "failure", "statuses": [ours]})
        following = f'<{standin.url}{asked.path}?per_page=100&page=2>; rel="next"'
        return Answer({"state": "failure", "statuses": []}, headers={"Link": following})

    standin.answers[f"GET {ROOT}/commits/{SHA}/status"] = answer
    assert forge.status(SHA, "ours") == CommitStatus("ours", State.FAILURE, "")
    assert standin.asked[0].query == {"per_page": "100"}


def test_pull_requests_are_found(forge: Forge, standin: StandIn) -> None:
    """Of a commit, from a branch of this repository, and into a branch."""
    answered = [pull(2), pull(1, merged=True), pull(3, head="somebody/config"), pull(4, head="")]
    standin.answers[f"GET {ROOT}/commits/{SHA}/pulls"] = Answer(answered)
    standin.answers[f"GET {ROOT}/pulls"] = Answer([pull(2)])
    found = forge.pull_requests_of(SHA)
    assert found[0] == PullRequest(
        number=2,
        url="https://github.example/octo-org/config/pull/2",
        branch="change",
        head=SHA,
        title="the title",
        body="",
        open=True,
        merged=False,
        foreign=False,
    )
    assert [(each.open, each.merged, each.foreign) for each in found[1:]] == [
        (False, True, False),
        (True, False, True),
        (True, False, True),
    ]
    forge.pull_requests_from("argos/drift/home/a")
    forge.open_pull_requests("main")
    assert [asked.query for asked in standin.asked[1:]] == [
        {"head": "octo-org:argos/drift/home/a", "state": "all", "per_page": "100"},
        {"base": "main", "state": "open", "per_page": "100"},
    ]


def test_comments_are_ours_by_login(forge: Forge, standin: StandIn) -> None:
    """A pull request's comments are those of its issue."""
    standin.answers["GET /api/v3/user"] = Answer({"login": "argos"})
    standin.answers[f"GET {ROOT}/issues/7/comments"] = Answer(
        [
            {"id": 1, "body": "mine", "user": {"login": "argos", "type": "User"}},
            {"id": 2, "body": "theirs", "user": {"login": "octocat", "type": "Bot"}},
            {"id": 3, "body": "a deleted user's", "user": None},
        ]
    )
    assert [each.mine for each in forge.comments(7)] == [True, False, False]


def test_an_app_knows_its_comments_as_a_bot(forge: Forge, standin: StandIn) -> None:
    """An installation's token may not ask who it is."""
    refusal = {"message": "Resource not accessible by integration"}
    standin.answers["GET /api/v3/user"] = Answer(refusal, 403)
    standin.answers[f"GET {ROOT}/issues/7/comments"] = Answer(
        [{"id": 1, "body": "x", "user": {"login": "argos[bot]", "type": "Bot"}}]
    )
    assert forge.comments(7) == [Comment(1, "x", True)]


def test_comments_and_pull_requests_are_written_as_documented(forge: Forge, standin: StandIn) -> None:
    """POST and PATCH at the paths of issues and pulls."""
    standin.answers |= {
        f"POST {ROOT}/issues/7/comments": Answer({}, 201),
        f"PATCH {ROOT}/issues/comments/99": Answer({}),
        f"POST {ROOT}/pulls": Answer(pull(8), 201),
        f"PATCH {ROOT}/pulls/8": Answer(pull(8)),
    }
    forge.add_comment(7, "text")
    forge.edit_comment(7, 99, "other")
    assert forge.open_pull_request(NewPullRequest("argos/drift/home/a", "main", "t", "b")).number == 8
    forge.edit_pull_request(8, "t2", "b2")
    forge.close_pull_request(8)
    assert [asked.body for asked in standin.asked] == [
        {"body": "text"},
        {"body": "other"},
        {"head": "argos/drift/home/a", "base": "main", "title": "t", "body": "b"},
        {"title": "t2", "body": "b2"},
        {"state": "closed"},
    ]


def test_a_branch_has_a_page(forge: Forge, standin: StandIn) -> None:
    assert forge.branch_url("argos/status/home") == f"{standin.url}/octo-org/config/tree/argos/status/home"
