"""The agent with a real Docker engine: stacks go out, the edge follows, and what fails goes back."""

import json
from pathlib import Path

import pytest

from tests.components.caddy import RealCaddy
from tests.components.docker import RealDockerd
from tests.components.ports import free_port
from tests.real.agents import agent_document, agent_on, estate_at, until
from tests.real.docker_hosts import (
    container_ids,
    docker_host,
    running,
    service,
    stack,
    with_compose,
    write_compose,
)
from tests.real.estate import Estate, edge

LABELS = {
    "traefik.enable": "true",
    "traefik.http.routers.site.rule": "Host(`site.example.com`)",
    "traefik.http.routers.site.entrypoints": "web",
    "traefik.http.services.site.loadbalancer.server.port": "80",
}


@pytest.fixture
def estate(tmp_path: Path, dockerd: RealDockerd, compose: Path) -> Estate:
    estate = with_compose(estate_at(tmp_path / "estate"), compose)
    estate.write("agent.yaml", agent_document())
    estate.write("box.yaml", docker_host(dockerd))
    return estate


def _digest(estate: Estate) -> str:
    """Of the plan that somebody has to approve, as nothing would be left."""
    found: str = json.loads(estate.run("plan", "-o", "json").out)["digest"]
    return found


def test_a_stack_with_a_traefik_label_is_served_from_one_commit(
    estate: Estate, caddy: RealCaddy, dockerd: RealDockerd, project: str
) -> None:
    """Commit, webhook, containers, Host, Caddy: nobody did anything else; and it goes as it came."""
    estate.write("edge.yaml", edge(caddy))
    estate.push("an edge and a host")
    with agent_on(estate) as agent:
        agent.ready()
        estate.write("site.yaml", stack(project, routes="fromLabels"))
        write_compose(estate, web=service(dockerd.web, free_port(), labels=LABELS))
        estate.push("a site")
        agent.deliver()
        until(lambda: caddy.get("site.example.com").text == "stand-in\n", "it is served")
        until(lambda: agent.part("DockerHost/box")["state"] == "ok", "the host is well")
        assert estate.run("plan", "--detailed-exitcode").code == 0
        (estate.work / "site.yaml").unlink()
        (estate.work / "stacks" / "site" / "compose.yaml").unlink()
        estate.push("no site")
        assert estate.run("apply", "--approve", _digest(estate)).code == 0
        until(lambda: not container_ids(dockerd, project), "its containers are gone")
        until(lambda: caddy.get("site.example.com").text == "", "nor is it served")


def test_a_bad_image_goes_back_by_itself(estate: Estate, dockerd: RealDockerd, project: str) -> None:
    """The status branch says why, with the last lines of the log and without the secret in them."""
    estate.environment["SITE_DATABASE"] = "canary-3f81"
    estate.write("site.yaml", stack(project, environment={"DATABASE": {"env": "SITE_DATABASE"}}))
    needs, other = {"DATABASE": "${DATABASE}"}, service(dockerd.sleep)
    write_compose(estate, web=service(dockerd.web, environment=needs), other=other)
    estate.push("good")
    with agent_on(estate) as agent:
        agent.ready()
        until(lambda: agent.part("DockerHost/box")["state"] == "ok", "the good one runs")
        untouched = dockerd.run("ps", "-q", "--filter", f"name={project}-other")
        write_compose(estate, web=service(dockerd.crash, environment=needs), other=other)
        bad = estate.push("bad")
        agent.deliver()
        until(lambda: agent.part("DockerHost/box")["state"] == "failing", "the bad one failed")
        until(lambda: running(dockerd, project).get("web") == dockerd.web, "it went back")
        assert dockerd.run("ps", "-q", "--filter", f"name={project}-other") == untouched
        until(lambda: "RolledBack" in estate.status_file("README.md"), "status says so")
        page = estate.status_file("resources/Stack/site.yaml")
        assert bad[:7] in page
        assert "fatal: no database at" in page
        assert "Drift | none" in estate.status_file("README.md")
        assert "repaired: []" in estate.status_file("status.yaml")
        assert "canary-3f81" not in page + agent.log.read_text()
        write_compose(estate, web=service(dockerd.web, environment={"NEXT": "1"}), other=other)
        estate.push("mended")
        agent.deliver()
        until(lambda: agent.part("DockerHost/box")["state"] == "ok", "the mended one is well")
        until(
            lambda: "observed: in sync" in estate.status_file("resources/Stack/site.yaml"), "so says status"
        )


def test_the_edge_follows_a_stack_that_goes_back(
    estate: Estate, caddy: RealCaddy, dockerd: RealDockerd, project: str
) -> None:
    """The bad revision also moves the port and the name; visitors find the old site where it was."""
    estate.write("edge.yaml", edge(caddy))
    estate.write("site.yaml", stack(project, routes="fromLabels"))
    write_compose(estate, web=service(dockerd.web, free_port(), labels=LABELS))
    estate.push("good")
    with agent_on(estate) as agent:
        agent.ready()
        until(lambda: caddy.get("site.example.com").text == "stand-in\n", "it is served")
        rule = {"traefik.http.routers.site.rule": "Host(`moved.example.com`)"}
        write_compose(estate, web=service(dockerd.crash, free_port(), labels={**LABELS, **rule}))
        estate.push("bad")
        agent.deliver()
        until(lambda: "RolledBack" in estate.status_file("README.md"), "the stack goes back")
        until(lambda: caddy.get("site.example.com").text == "stand-in\n", "and the edge follows")
        until(lambda: caddy.get("moved.example.com").text == "", "the new name is not served")
        until(lambda: agent.part("Edge/main")["state"] == "ok", "nor is the edge in trouble")


def test_what_nobody_declared_is_never_touched(estate: Estate, dockerd: RealDockerd, project: str) -> None:
    """A container of somebody's own, and a project that is no Stack, live through everything."""
    stranger = dockerd.run("run", "-d", "--label", f"com.docker.compose.project={project}", dockerd.sleep)
    other = dockerd.new_name()
    foreign = dockerd.run("run", "-d", "--label", f"com.docker.compose.project={other}", dockerd.sleep)
    try:
        estate.write("site.yaml", stack(project))
        write_compose(estate, web=service(dockerd.web))
        estate.push("a site")
        assert estate.apply().code == 0
        (estate.work / "site.yaml").unlink()
        (estate.work / "stacks" / "site" / "compose.yaml").unlink()
        estate.push("no site")
        assert estate.run("apply", "--approve", _digest(estate)).code == 0
        assert {stranger, foreign} <= set(dockerd.run("ps", "-q", "--no-trunc").split())
        assert container_ids(dockerd, project) == {stranger}
    finally:
        dockerd.run("rm", "-f", stranger, foreign)
