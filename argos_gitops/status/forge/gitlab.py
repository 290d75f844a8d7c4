"""GitLab's API v4. A pull request is a merge request here, a comment a note.

Facts: https://docs.gitlab.com/api/commits/, /api/merge_requests/, /api/notes/.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from argos_gitops.model.errors import ReportError
from argos_gitops.status.forge.api import Api, Dialect
from argos_gitops.status.forge.forge import Comment, CommitStatus, NewPullRequest, PullRequest, State
from argos_gitops.status.forge.place import Place

DIALECT = Dialect(
    name="GitLab",
    rights="scope api, with the role Developer (Maintainer where the branch is protected)",
    headers={},
    page_size=("per_page", 100),
)

_STATES = {State.PENDING: "pending", State.SUCCESS: "success", State.FAILURE: "failed"}
_TOLD = {told: state for state, told in _STATES.items()} | {"running": State.PENDING}
_QUICK_ACTION = re.compile(r"^([^\S\n]*+)/(?=[a-z_]+\b)", re.MULTILINE)


class GitLab:
    """A Forge. Projects are named by their URL-encoded path, so that subgroups work."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._project = f"projects/{quote(place.project, safe='')}"

    def branch_url(self, branch: str) -> str:
        return f"{self._place.web_url}/-/tree/{branch}"

    def status(self, sha: str, context: str) -> CommitStatus | None:
        for page in self._api.pages(f"{self._commit(sha)}/statuses", {"name": context}):
            for found in page:
                return CommitStatus(
                    found["name"],
                    _TOLD.get(found["status"], State.FAILURE),
                    found.get("description") or "",
                    found.get("target_url") or "",
                )
        return None

    def set_status(self, sha: str, status: CommitStatus) -> None:
        """A status that waits cannot be made to wait again, says GitLab: it stands already then."""
        body = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": status.description,
        }
        if status.url:
            body["target_url"] = status.url
        try:
            self._api.send("POST", f"{self._project}/statuses/{sha}", body)
        except ReportError as error:
            if "Cannot transition status" not in str(error):
                raise

    def pull_requests_of(self, sha: str) -> Sequence[PullRequest]:
        return _found(self._api.pages(f"{self._commit(sha)}/merge_requests"))

    def pull_requests_from(self, branch: str) -> Sequence[PullRequest]:
        wanted = {"source_branch": branch, "state": "all"}
        found = _found(self._api.pages(f"{self._project}/merge_requests", wanted))
        return [pull for pull in found if not pull.foreign]

    def open_pull_requests(self, base: str) -> Sequence[PullRequest]:
        wanted = {"target_branch": base, "state": "opened"}
        return _found(self._api.pages(f"{self._project}/merge_requests", wanted))

    def comments(self, number: int) -> Sequence[Comment]:
        oldest_first = {"sort": "asc", "order_by": "created_at"}
        pages = self._api.pages(f"{self._project}/merge_requests/{number}/notes", oldest_first)
        return [
            Comment(found["id"], found["body"], found["author"]["id"] == self._user)
            for page in pages
            for found in page
            if not found.get("system")
        ]

    def add_comment(self, number: int, body: str) -> None:
        self._api.send("POST", f"{self._project}/merge_requests/{number}/notes", {"body": _harmless(body)})

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        note = f"{self._project}/merge_requests/{number}/notes/{comment}"
        self._api.send("PUT", note, {"body": _harmless(body)})

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        body = {
            "source_branch": new.branch,
            "target_branch": new.base,
            "title": new.title,
            "description": _harmless(new.body),
            "remove_source_branch": True,
        }
        return _pull_request(self._api.send("POST", f"{self._project}/merge_requests", body))

    def edit_pull_request(self, number: int, title: str, body: str) -> None:
        text = {"title": title, "description": _harmless(body)}
        self._api.send("PUT", f"{self._project}/merge_requests/{number}", text)

    def close_pull_request(self, number: int) -> None:
        self._api.send("PUT", f"{self._project}/merge_requests/{number}", {"state_event": "close"})

    def close(self) -> None:
        self._api.close()

    def _commit(self, sha: str) -> str:
        return f"{self._project}/repository/commits/{sha}"

    @cached_property
    def _user(self) -> int:
        return int(self._api.get("user")["id"])


def _harmless(body: str) -> str:
    """GitLab obeys lines such as `/merge`, also where we only repeat what somebody wrote."""
    return _QUICK_ACTION.sub(r"\1\\/", body)


def _found(pages: Iterable[Any]) -> list[PullRequest]:
    return [_pull_request(found) for page in pages for found in page]


def _pull_request(data: Any) -> PullRequest:
    return PullRequest(
        number=data["iid"],
        url=data["web_url"],
        branch=data["source_branch"],
        head=data["sha"] or "",
        title=data["title"],
        body=data.get("description") or "",
        open=data["state"] == "opened",
        merged=data["state"] == "merged",
        foreign=data["source_project_id"] != data["target_project_id"],
    )
