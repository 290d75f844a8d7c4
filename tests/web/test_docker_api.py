"""What the agents of Docker hosts reported, as people and dashboards read it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from argos_gitops.ports.reports import IncomingReport
from tests.web.dockers import SEED_CONTAINER, container
from tests.web.running import AS_OPERATOR, RunningSite

HOSTS = "/api/agents/docker/hosts"


def get(site: RunningSite, path: str, **query: Any) -> httpx.Response:
    return site.client.get(path, params=query, headers=AS_OPERATOR)


def keep(site: RunningSite, *containers: dict[str, Any], host: str = "vm-1", age: float = 0.0) -> datetime:
    """A report that came so many seconds ago, from a host whose clock is 5 s behind; when it came."""
    received = datetime.now(UTC) - timedelta(seconds=age)
    report = IncomingReport(host, "docker01", "1", received - timedelta(seconds=5), containers)
    site.store.intake.keep(report, received)
    return received


def test_the_hosts_as_the_seed_has_them(site: RunningSite) -> None:
    """And the clock of each beside ours."""
    received = keep(site, SEED_CONTAINER)
    (host,) = get(site, HOSTS).json()
    assert datetime.fromisoformat(host.pop("receivedAt")) == received
    assert datetime.fromisoformat(host.pop("reportedAt")) == received - timedelta(seconds=5)
    assert host == {
        "hostId": "vm-1",
        "hostname": "docker01",
        "agentVersion": "1",
        "containerCount": 1,
        "clockSkewSeconds": -5.0,
        "stale": False,
    }


def test_a_silent_host_is_stale(site: RunningSite) -> None:
    """After 90 s, or what the agent was told."""
    keep(site, host="silent", age=100)
    keep(site, host="talking", age=10)
    assert {host["hostId"]: host["stale"] for host in get(site, HOSTS).json()} == {
        "silent": True,
        "talking": False,
    }
    site.site.docker.stale_after = timedelta(seconds=5)
    assert all(host["stale"] for host in get(site, HOSTS).json())


def test_one_container_by_its_id_or_the_beginning_of_it(site: RunningSite) -> None:
    keep(site, SEED_CONTAINER, container("other"))
    for identity in (SEED_CONTAINER["id"], SEED_CONTAINER["id"][:12]):
        assert get(site, f"{HOSTS}/vm-1/containers/{identity}").json() == SEED_CONTAINER


def test_the_history_tells_what_changed(site: RunningSite) -> None:
    keep(site, container("app"), container("db"))
    keep(site, container("app", state="exited"), container("db", health="unhealthy"))
    answer = get(site, f"{HOSTS}/vm-1/history").json()
    assert answer["hostId"] == "vm-1"
    assert [(each["container"], each["what"], each["after"]) for each in answer["changes"]] == [
        ("db", "health", "unhealthy"),
        ("app", "state", "exited"),
    ]
    assert set(answer["changes"][0]) == {"at", "container", "containerId", "what", "before", "after"}
    one = get(site, f"{HOSTS}/vm-1/history", container="app", limit=5).json()
    assert [each["container"] for each in one["changes"]] == ["app"]


@pytest.mark.parametrize(
    "path",
    [
        "vm-2/containers",
        "vm-2/history",
        "vm-1/containers/4c01db0b339d",
        "vm-1/containers/4c01",
        "a%00/history",
    ],
)
def test_what_is_not_there_is_404(site: RunningSite, path: str) -> None:
    keep(site, SEED_CONTAINER)
    answer = get(site, f"{HOSTS}/{path}")
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


@pytest.mark.parametrize("query", [{"limit": 0}, {"contaner": "app"}, {"container": "a\0"}])
def test_an_impossible_question_is_refused(site: RunningSite, query: dict[str, Any]) -> None:
    answer = get(site, f"{HOSTS}/vm-1/history", **query)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadQuery")


@pytest.mark.parametrize(
    "path", ["", "/vm-1/containers", f"/vm-1/containers/{SEED_CONTAINER['id']}", "/vm-1/history"]
)
def test_nothing_is_shown_without_the_token(site: RunningSite, path: str) -> None:
    keep(site, SEED_CONTAINER)
    assert site.client.get(f"{HOSTS}{path}").status_code == 401


def test_the_agent_s_script_is_for_everybody(site: RunningSite) -> None:
    site.script.write_text("#!/usr/bin/env bash\n")
    answer = site.client.get("/agents/docker/agent.sh")
    assert (answer.status_code, answer.text) == (200, "#!/usr/bin/env bash\n")
    assert answer.headers["content-type"].startswith("text/x-shellscript")
