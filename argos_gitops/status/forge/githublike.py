"""What GitHub's REST API and Gitea's, which is modelled on it, have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

from argos_gitops.status.forge.api import Api
from argos_gitops.status.forge.forge import Comment, CommitStatus, NewPullRequest, PullRequest, State
from argos_gitops.status.forge.place import Place


class GitHubLike:
    """A repository at `repos/OWNER/NAME`; what differs is left to those that derive from it."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._repository = f"repos/{place.project}"

    def set_status(self, sha: str, status: CommitStatus) -> None:
        body = {"state": status.state.value, "context": status.context, "description": status.description}
        if status.url:
            body["target_url"] = status.url
        self._api.send("POST", f"{self._repository}/statuses/{sha}", body)

    def add_comment(self, number: int, body: str) -> None:
        self._api.send("POST", f"{self._repository}/issues/{number}/comments", {"body": body})

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        self._api.send("PATCH", f"{self._repository}/issues/comments/{comment}", {"body": body})

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        body = {"head": new.branch, "base": new.base, "title": new.title, "body": new.body}
        return self._pull_request(self._api.send("POST", f"{self._repository}/pulls", body))

    def edit_pull_request(self, number: int, title: str, body: str) -> None:
        self._api.send("PATCH", f"{self._repository}/pulls/{number}", {"title": title, "body": body})

    def close_pull_request(self, number: int) -> None:
        self._api.send("PATCH", f"{self._repository}/pulls/{number}", {"state": "closed"})

    def close(self) -> None:
        self._api.close()

    def _status(self, sha: str, context: str, field: str) -> CommitStatus | None:
        """Of the newest status of each context; `field` is where the state stands."""
        for page in self._api.pages(f"{self._repository}/commits/{sha}/status"):
            for found in page.get("statuses") or ():
                if found["context"] == context:
                    return _status(found, field)
        return None

    def _found(self, pages: Iterable[Any]) -> list[PullRequest]:
        return [self._pull_request(pull) for page in pages for pull in page]

    def _pull_request(self, data: Any) -> PullRequest:
        head = data["head"]
        repository = head.get("repo") or {}
        return PullRequest(
            number=data["number"],
            url=data["html_url"],
            branch=head["label"].rpartition(":")[2],
            head=head["sha"],
            title=data["title"],
            body=data.get("body") or "",
            open=data["state"] == "open",
            merged=bool(data.get("merged_at")),
            foreign=repository.get("full_name") != data["base"]["repo"]["full_name"],
        )

    def _comments(self, number: int, login: str | None) -> Sequence[Comment]:
        pages = self._api.pages(f"{self._repository}/issues/{number}/comments")
        return [
            Comment(found["id"], found.get("body") or "", _is_mine(found.get("user") or {}, login))
            for page in pages
            for found in page
        ]


def _is_mine(user: Any, login: str | None) -> bool:
    """Whether an account is our own; where we cannot know who we are, any that belongs to a program."""
    if login is None:
        return bool(user.get("type") == "Bot")
    return bool(user.get("login") == login)


def _status(found: Any, field: str) -> CommitStatus:
    """States that we never set (`error`, `warning`) count as failures."""
    known = {state.value: state for state in State}
    return CommitStatus(
        found["context"],
        known.get(found[field], State.FAILURE),
        found.get("description") or "",
        found.get("target_url") or "",
    )
