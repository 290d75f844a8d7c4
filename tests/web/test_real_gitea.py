"""Webhooks that a real Gitea sends, signed as it signs them."""

import time
from collections.abc import Callable
from secrets import token_hex

import pytest

from argos_gitops.web.followed import Followed
from tests.components.gitea import RealGitea
from tests.web.running import AS_OPERATOR, SECRET, RunningSite

_WAIT_SECONDS = 60


class Hooked:
    """A repository with a webhook to a site that follows it; `became` is what the site made of each push."""

    def __init__(self, gitea: RealGitea, make_site: Callable[..., RunningSite], secret: str) -> None:
        self._gitea = gitea
        name = f"config-{token_hex(4)}"
        gitea.add_repository(name)
        self.project = f"admin/{name}"
        self.site = make_site(followed=Followed(f"{gitea.url}/{self.project}.git", None))
        config = {"url": f"{self.site.url}/webhooks/gitea", "content_type": "json", "secret": secret}
        hook = {"type": "gitea", "config": config, "events": ["push"], "active": True}
        gitea.api("POST", f"repos/{self.project}/hooks", hook)

    def push(self, path: str, branch: str = "main", onto: str = "main") -> None:
        self._gitea.commit(self.project, {path: b"content\n"}, branch=branch, onto=onto)

    def became(self, reason: str, times: int = 1) -> None:
        """Waits until so many deliveries had this end."""
        wanted = f'argos_webhooks_total{{provider="gitea",result="{reason}"}} {times}.0'
        deadline = time.monotonic() + _WAIT_SECONDS
        while wanted not in self._metrics():
            assert time.monotonic() < deadline, f"{wanted} not in {self._metrics()}"
            time.sleep(0.05)

    def _metrics(self) -> str:
        return self.site.client.get("/metrics", headers=AS_OPERATOR).text


@pytest.fixture
def hooked(gitea: RealGitea, make_site: Callable[..., RunningSite]) -> Callable[..., Hooked]:
    return lambda secret=SECRET: Hooked(gitea, make_site, secret)


def test_a_push_to_gitea_wakes_the_agent(hooked: Callable[..., Hooked]) -> None:
    """Its signature is the one that is checked, its payload the one that is read."""
    repository = hooked()
    repository.push("hosts/a.yaml")
    repository.became("accepted")
    assert repository.site.looks.reasons == ["webhook gitea"]


def test_fm09_what_the_agent_pushes_there_wakes_nobody(hooked: Callable[..., Hooked]) -> None:
    """Status branches and proposals are delivered like all pushes, and ignored; so are other branches."""
    repository = hooked()
    repository.push("hosts/a.yaml")
    repository.became("accepted")
    repository.push("status.yaml", branch="argos/status/home")
    repository.became("OwnBranch")
    repository.push("hosts/b.yaml", branch="argos/drift/home/host-a")
    repository.became("OwnBranch", 2)
    repository.push("hosts/c.yaml", branch="idea")
    repository.became("OtherRef")
    assert repository.site.looks.reasons == ["webhook gitea"]


def test_a_gitea_with_another_secret_is_refused(hooked: Callable[..., Hooked]) -> None:
    """However genuine its push is."""
    repository = hooked("another secret")
    repository.push("hosts/a.yaml")
    repository.became("BadSignature")
    assert repository.site.looks.reasons == []
