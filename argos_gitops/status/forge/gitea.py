"""Gitea's API v1, which Forgejo speaks as well. Facts: Gitea 1.26.0, its /api/swagger."""

from collections.abc import Sequence
from functools import cached_property

from argos_gitops.status.forge.api import Dialect
from argos_gitops.status.forge.forge import Comment, CommitStatus, PullRequest
from argos_gitops.status.forge.githublike import GitHubLike

DIALECT = Dialect(
    name="Gitea",
    rights="write:repository, write:issue and read:user",
    headers={},
    page_size=("limit", 50),
)


class Gitea(GitHubLike):
    """A Forge."""

    def branch_url(self, branch: str) -> str:
        return f"{self._place.web_url}/src/branch/{branch}"

    def status(self, sha: str, context: str) -> CommitStatus | None:
        return self._status(sha, context, "status")

    def pull_requests_of(self, sha: str) -> Sequence[PullRequest]:
        """The one that brought the commit, and the open ones that it is the tip of."""
        merged = self._api.find(f"{self._repository}/commits/{sha}/pull")
        pulls = self._found(self._api.pages(f"{self._repository}/pulls", {"state": "open"}))
        found = [self._pull_request(merged)] if merged is not None else []
        return [*found, *(pull for pull in pulls if pull.head == sha and pull not in found)]

    def pull_requests_from(self, branch: str) -> Sequence[PullRequest]:
        """Gitea lists newest first, and cannot filter by branch."""
        pages = self._api.pages(f"{self._repository}/pulls", {"state": "all"})
        named = [pull for page in pages for pull in page if pull["head"]["label"] == branch]
        return [pull for pull in self._found([named]) if not pull.foreign]

    def open_pull_requests(self, base: str) -> Sequence[PullRequest]:
        pages = self._api.pages(f"{self._repository}/pulls", {"state": "open"})
        return self._found([pull for pull in page if pull["base"]["label"] == base] for page in pages)

    def comments(self, number: int) -> Sequence[Comment]:
        return self._comments(number, self._login)

    @cached_property
    def _login(self) -> str:
        return str(self._api.get("user")["login"])
