"""The agent does what Schedules ask for: newer images, clean-ups, and telling about them."""

from pathlib import Path
from typing import Any

import pytest

from tests.components.docker import RealDockerd
from tests.components.registry import RealRegistry
from tests.real.agents import agent_document, agent_on, estate_at, until
from tests.real.docker_hosts import docker_host, running, stack, with_compose
from tests.real.estate import Estate, document

_MINUTES = 200.0
"""Seconds to wait for a job: it begins within a minute, and the machine may be busy."""


@pytest.fixture
def estate(tmp_path: Path, dockerd: RealDockerd, compose: Path) -> Estate:
    estate = with_compose(estate_at(tmp_path / "estate"), compose)
    estate.write("agent.yaml", agent_document())
    estate.write("box.yaml", docker_host(dockerd))
    return estate


def _schedule(name: str, **spec: Any) -> dict[str, Any]:
    return document("Schedule", name, {"cron": "* * * * *", **spec})


def _push(dockerd: RealDockerd, registry: RealRegistry, *tags: str) -> str:
    """The stand-in `web` under each tag; the name of the image."""
    name = f"{registry.address}/site"
    for tag in tags:
        dockerd.run("tag", dockerd.web, f"{name}:{tag}")
        dockerd.run("push", "--quiet", f"{name}:{tag}")
        dockerd.run("rmi", f"{name}:{tag}")
    return name


def test_what_schedules_ask_for_is_done_and_told(
    estate: Estate, dockerd: RealDockerd, registry: RealRegistry, project: str
) -> None:
    """A newer image goes from the registry to the branch, comments kept, and from there to the host; what a
    clean-up would free is told and stays. One agent does it all, as its clock says."""
    image, box = _push(dockerd, registry, "1.0.0", "1.1.0", "2.0.0"), dockerd.new_name("box")
    dockerd.run("create", "--name", box, dockerd.sleep)
    before = f"services:\n  web:  # the site\n    image: {image}:1.0.0  # ours\n"
    estate.write("site.yaml", stack(project))
    estate.write("updates.yaml", _schedule("updates", imageUpdates={"mode": "apply"}))
    estate.write("clean-up.yaml", _schedule("clean-up", cleanUp={"stoppedContainers": "1ms"}))
    (estate.work / "stacks" / "site").mkdir(parents=True)
    (estate.work / "stacks" / "site" / "compose.yaml").write_text(before)
    first = estate.push("a site")
    try:
        with agent_on(estate) as agent:
            agent.ready()
            until(lambda: running(dockerd, project) == {"web": f"{image}:1.1.0"}, "it runs", _MINUTES)
            assert estate.git("rev-parse", "main~1", at=estate.repository).strip() == first
            after = estate.git("show", "main:stacks/site/compose.yaml", at=estate.repository)
            assert after == before.replace("1.0.0", "1.1.0")
            updates, clean_up = (f"resources/Schedule/{name}.yaml" for name in ("updates", "clean-up"))
            until(lambda: "Ready" in _page(estate, updates), "the update is told", _MINUTES)
            until(lambda: f"container {box}" in _page(estate, clean_up), "the clean-up is told", _MINUTES)
            assert "WouldFree" in estate.status_file(clean_up)
            assert "WouldFree" not in estate.status_file("README.md")
            assert f"container {box}" in estate.run("status").out
            part = agent.part("Schedule/updates")
            assert part["state"] == "ok"
            assert part["nextRun"] > part["lastRun"]
            assert agent.metric("argos_job_runs_total", schedule="updates", result="Committed") == 1
        assert estate.git("rev-list", "--count", f"{first}..main", at=estate.repository).strip() == "1"
        assert "Schedule/updates" in estate.run("audit", "--action", "run").out
        assert box in dockerd.run("ps", "-a", "--format", "{{.Names}}").split()
    finally:
        dockerd.clean(project)
        dockerd.run("rm", box)


def _page(estate: Estate, name: str) -> str:
    """Empty as long as it is not there."""
    found = estate.git("ls-tree", "--name-only", "argos/status/test", name, at=estate.repository)
    return estate.status_file(name) if found else ""
