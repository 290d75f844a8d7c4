"""Webhooks that a real forge sends: Gitea, which also signs as GitHub does, and as Forgejo once did."""

import time
from collections.abc import Callable
from secrets import token_hex

import pytest

from argos_gitops.web.followed import Followed
from tests.components.gitea import RealGitea
from tests.web.running import SECRET, RunningSite

PATIENCE = 60


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


class HookedRepository:
    """A repository on Gitea, and a site that follows it and is told of its pushes."""

    def __init__(self, gitea: RealGitea, make_site: Callable[..., RunningSite]) -> None:
        self.gitea = gitea
        name = f"config-{token_hex(4)}"
        self.project = f"{gitea.admin.name}/{name}"
        self.site = make_site(followed=Followed(gitea.add_repository(name), None))

    def hook(self, provider: str, content_type: str = "json") -> int:
        """Has pushes delivered to the site; the number of the hook."""
        config = {
            "url": f"{self.site.url}/webhooks/{provider}",
            "content_type": content_type,
            "secret": SECRET,
        }
        body = {"type": "gitea", "config": config, "events": ["push"], "active": True}
        return int(self.gitea.api("POST", f"repos/{self.project}/hooks", body)["id"])

    def push(self, branch: str = "main") -> None:
        self.gitea.commit(self.project, {f"{token_hex(4)}.yaml": b"a: 1\n"}, branch=branch)

    def outcomes(self, provider: str) -> list[str]:
        """Each result of a delivery so far, by name."""
        begins = f'argos_webhooks_total{{provider="{provider}",result="'
        lines = self.site.client.get("/metrics").text.splitlines()
        return sorted(line.removeprefix(begins).split('"')[0] for line in lines if line.startswith(begins))

    def comes_to(self, provider: str, *outcomes: str) -> bool:
        return eventually(lambda: self.outcomes(provider) == sorted(outcomes))


@pytest.fixture
def hooked(gitea: RealGitea, make_site: Callable[..., RunningSite]) -> HookedRepository:
    return HookedRepository(gitea, make_site)


@pytest.mark.parametrize(
    ("provider", "content_type"),
    [("gitea", "json"), ("gitea", "form"), ("github", "json"), ("forgejo", "json"), ("forgejo", "form")],
)
def test_a_push_wakes_the_agent(hooked: HookedRepository, provider: str, content_type: str) -> None:
    """Of a form, Gitea signs what is in it, and GitHub the form itself."""
    hooked.hook(provider, content_type)
    hooked.push()
    assert hooked.comes_to(provider, "accepted")
    assert hooked.site.looks.reasons == [f"webhook {provider}"]


def test_fm09_the_status_branch_does_not(hooked: HookedRepository) -> None:
    """Nor does any other branch that is not followed."""
    hooked.hook("gitea")
    hooked.push()
    assert hooked.comes_to("gitea", "accepted")
    hooked.push("argos/status/edge-1")
    hooked.push("feature")
    assert hooked.comes_to("gitea", "accepted", "OwnBranch", "OtherRef")
    assert len(hooked.site.looks.reasons) == 1


def test_the_button_that_tries_a_webhook(hooked: HookedRepository) -> None:
    """It sends the last push again in another form; whoever sets the hook up sees that it works."""
    number = hooked.hook("gitea")
    hooked.push()
    assert hooked.comes_to("gitea", "accepted")
    hooked.gitea.api("POST", f"repos/{hooked.project}/hooks/{number}/tests")
    assert eventually(lambda: len(hooked.site.looks.reasons) == 2)
