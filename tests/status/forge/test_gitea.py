"""The client for Gitea (and Forgejo) against a real one, served below a path of its host."""

from contextlib import closing
from dataclasses import replace

import pytest

from argos_gitops.model.errors import ReportError
from argos_gitops.status.forge.access import forge_of
from argos_gitops.status.forge.forge import (
    CommitStatus,
    Forge,
    NewPullRequest,
    State,
    upsert_comment,
    upsert_pull_request,
)
from tests.status.forge.conftest import Project

CONTEXT = "argos-gitops/home"


def test_a_status_is_set_and_found_again(forge: Forge, project: Project) -> None:
    """The newest of a context is found among those of others."""
    sha = project.commit({"a.yaml": b"a\n"})
    assert forge.status(sha, CONTEXT) is None
    forge.set_status(sha, CommitStatus("ci/other", State.FAILURE, "theirs"))
    for state in (State.PENDING, State.SUCCESS):
        forge.set_status(sha, CommitStatus(CONTEXT, state, f"it is {state}", "http://example.com/page"))
    found = forge.status(sha, CONTEXT)
    assert found == CommitStatus(CONTEXT, State.SUCCESS, "it is success", "http://example.com/page")


def test_many_contexts_are_read_page_by_page(forge: Forge, project: Project) -> None:
    """Ours is found behind sixty others, where a page holds fifty."""
    sha = project.commit({"a.yaml": b"a\n"})
    for number in range(60):
        body = {"context": f"ci/{number}", "state": "success"}
        project.api("POST", f"statuses/{sha}", body)
        if number == 0:
            forge.set_status(sha, CommitStatus(CONTEXT, State.PENDING, "first"))
    found = forge.status(sha, CONTEXT)
    assert found is not None
    assert found.description == "first"


def test_the_pull_request_of_a_commit_is_found_open_and_merged(forge: Forge, project: Project) -> None:
    """By the tip of its branch while it is open, by its merge commit afterwards; a push has none."""
    pushed = project.commit({"pushed.yaml": b"a\n"})
    tip = project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    assert [(p.number, p.open, p.merged, p.foreign) for p in forge.pull_requests_of(tip)] == [
        (number, True, False, False)
    ]
    assert [pull.number for pull in forge.open_pull_requests("main")] == [number]
    merge = project.merge(number)
    assert [(p.number, p.open, p.merged) for p in forge.pull_requests_of(merge)] == [(number, False, True)]
    assert list(forge.pull_requests_of(pushed)) == []
    assert list(forge.open_pull_requests("main")) == []


def test_a_comment_is_written_once_and_edited_in_place(forge: Forge, project: Project) -> None:
    """Found again by its marker, and only where we wrote it."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    somebody = project.gitea.add_user(f"somebody-{number}-{project.name[-4:]}")
    copied = {"body": "<!-- mark -->\nnot ours"}
    project.gitea.api("POST", f"repos/{project.name}/issues/{number}/comments", copied, user=somebody)
    for text in ("first", "second", "second"):
        upsert_comment(forge, number, "<!-- mark -->\n", lambda _, text=text: text)  # type: ignore[misc]
    upsert_comment(forge, number, "<!-- mark -->\n", lambda old: None)
    assert project.comments(number) == ["<!-- mark -->\nnot ours", "<!-- mark -->\nsecond"]


def test_a_pull_request_is_opened_once_and_edited(forge: Forge, project: Project) -> None:
    """The open one of its branch is brought up to date; after it was closed there is a new one."""
    project.commit({"a.yaml": b"a\n"}, branch="argos/drift/home/x")
    new = NewPullRequest("argos/drift/home/x", "main", "Drift of Host/x", "the body")
    first = upsert_pull_request(forge, new)
    assert first.url == f"{project.gitea.url}/{project.name}/pulls/{first.number}"
    upsert_pull_request(forge, replace(new, title="Drift of Host/x again"))
    assert project.api("GET", f"pulls/{first.number}")["title"] == "Drift of Host/x again"
    project.api("PATCH", f"pulls/{first.number}", {"state": "closed"})
    second = upsert_pull_request(forge, new)
    assert second.number != first.number
    assert [p.number for p in forge.pull_requests_from(new.branch)] == [second.number, first.number]
    assert list(forge.pull_requests_from("argos/drift/home/y")) == []


def test_the_page_of_a_branch_is_there(forge: Forge, project: Project) -> None:
    """The link of a commit status leads to the status branch."""
    project.commit({"README.md2": b"status\n"}, branch="argos/status/home")
    assert forge.branch_url("argos/status/home") == (
        f"{project.gitea.url}/{project.name}/src/branch/argos/status/home"
    )


@pytest.mark.parametrize(
    ("scopes", "reason", "cure"),
    [
        ("read:user", "ForgeForbidden", "write:repository"),
        (None, "ForgeUnauthorized", "make a new one"),
    ],
)
def test_a_token_that_may_not_is_told_what_it_needs(
    project: Project, scopes: str | None, reason: str, cure: str
) -> None:
    """The message names the rights and never the token."""
    token = project.gitea.token("admin", scopes) if scopes else "0123456789012345678901234567890123456789"
    opened = forge_of(project.spec, project.url, replace(project, token=token))
    with closing(opened) as forge, pytest.raises(ReportError, match=cure) as caught:
        forge.set_status("0" * 40, CommitStatus(CONTEXT, State.SUCCESS, "no"))
    assert caught.value.reason == reason
    assert token not in str(caught.value)


def test_an_unknown_project_is_told(project: Project) -> None:
    """With what to check."""
    opened = forge_of(project.spec, f"{project.gitea.url}/admin/nowhere.git", project)
    with closing(opened) as forge, pytest.raises(ReportError, match=r"forge\.project") as caught:
        forge.pull_requests_from("x")
    assert caught.value.reason == "ForgeNotFound"
