"""What a forge can do for us, whatever its API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

MAX_DESCRIPTION = 140
"""Characters of a commit status' description: GitHub takes no more."""


class State(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """`context` tells it from the statuses of others; `url` leads to more, or is empty."""

    context: str
    state: State
    description: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (on GitLab: merge request). `head` is the commit that its `branch` is at.

    `foreign`: the branch lies in another repository, so that its author need have no rights in this one.
    """

    number: int
    url: str
    branch: str
    head: str
    title: str
    body: str
    open: bool
    merged: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class NewPullRequest:
    """What is proposed: `branch` of this repository into `base`."""

    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Comment:
    """`mine`: written by whoever our token belongs to."""

    id: int
    body: str
    mine: bool


class Forge(Protocol):
    """One project on one forge.

    Every method raises ReportError where somebody has to change something, and TransientError (reasons
    Unreachable and RateLimited) where asking again later helps. No message holds a token.
    """

    def branch_url(self, branch: str) -> str:
        """The page on which people read the files of a branch; no I/O."""
        ...

    def status(self, sha: str, context: str) -> CommitStatus | None:
        """The newest one of this context."""
        ...

    def set_status(self, sha: str, status: CommitStatus) -> None: ...

    def pull_requests_of(self, sha: str) -> Sequence[PullRequest]:
        """Those that brought this commit, or would."""
        ...

    def pull_requests_from(self, branch: str) -> Sequence[PullRequest]:
        """Those from a branch of this repository, open or not, newest first."""
        ...

    def open_pull_requests(self, base: str) -> Sequence[PullRequest]: ...

    def comments(self, number: int) -> Sequence[Comment]:
        """All comments on a pull request, oldest first."""
        ...

    def add_comment(self, number: int, body: str) -> None: ...

    def edit_comment(self, number: int, comment: int, body: str) -> None: ...

    def open_pull_request(self, new: NewPullRequest) -> PullRequest: ...

    def edit_pull_request(self, number: int, title: str, body: str) -> None: ...

    def close_pull_request(self, number: int) -> None:
        """Without merging it."""
        ...

    def close(self) -> None: ...


def upsert_comment(forge: Forge, number: int, marker: str, write: Callable[[str], str | None]) -> None:
    """Brings our one comment that begins with `marker` up to date, or writes it.

    `write` makes its new text of the old one (empty when there is none); None leaves it as it is. Only
    comments of our own count: whoever copies the marker gets nothing edited.
    """
    known = next((c for c in forge.comments(number) if c.mine and c.body.startswith(marker)), None)
    text = write(known.body.removeprefix(marker) if known is not None else "")
    if text is None or (known is not None and known.body == marker + text):
        return
    if known is None:
        forge.add_comment(number, marker + text)
    else:
        forge.edit_comment(number, known.id, marker + text)


def upsert_pull_request(forge: Forge, new: NewPullRequest) -> PullRequest:
    """Brings the open pull request of `new.branch` up to date, or opens one."""
    known = next((pull for pull in forge.pull_requests_from(new.branch) if pull.open), None)
    if known is None:
        return forge.open_pull_request(new)
    if (known.title, known.body) != (new.title, new.body):
        forge.edit_pull_request(known.number, new.title, new.body)
    return known
