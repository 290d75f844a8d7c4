"""GitHub's REST API, version 2022-11-28: github.com, *.ghe.com and GitHub Enterprise Server.

Facts: https://docs.github.com/rest/commits/statuses, /rest/issues/comments, /rest/pulls.
"""

from collections.abc import Sequence
from functools import cached_property

from argos_gitops.model.errors import ReportError
from argos_gitops.status.forge.api import Dialect
from argos_gitops.status.forge.forge import Comment, CommitStatus, PullRequest
from argos_gitops.status.forge.githublike import GitHubLike

DIALECT = Dialect(
    name="GitHub",
    rights="commit statuses (write), pull requests (write), and contents (read)",
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    page_size=("per_page", 100),
)


class GitHub(GitHubLike):
    """A Forge."""

    def branch_url(self, branch: str) -> str:
        return f"{self._place.web_url}/tree/{branch}"

    def status(self, sha: str, context: str) -> CommitStatus | None:
        return self._status(sha, context, "state")

    def pull_requests_of(self, sha: str) -> Sequence[PullRequest]:
        return self._found(self._api.pages(f"{self._repository}/commits/{sha}/pulls"))

    def pull_requests_from(self, branch: str) -> Sequence[PullRequest]:
        owner = self._place.project.partition("/")[0]
        wanted = {"head": f"{owner}:{branch}", "state": "all"}
        return self._found(self._api.pages(f"{self._repository}/pulls", wanted))

    def open_pull_requests(self, base: str) -> Sequence[PullRequest]:
        return self._found(self._api.pages(f"{self._repository}/pulls", {"base": base, "state": "open"}))

    def comments(self, number: int) -> Sequence[Comment]:
        return self._comments(number, self._login)

    @cached_property
    def _login(self) -> str | None:
        """Who we are; None for an app's token, which may not ask."""
        try:
            return str(self._api.get("user")["login"])
        except ReportError as error:
            if error.reason != "ForgeForbidden":
                raise
            return None
