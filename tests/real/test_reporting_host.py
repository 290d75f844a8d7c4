"""A host that only reports: real containers, the push agent, the store, and what people get to see of it."""

import json
import os
import subprocess
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from tests.components.docker import RealDockerd
from tests.conftest import require_component
from tests.real.agents import AgentProcess, agent_document, agent_on, estate_at, until
from tests.real.docker_hosts import stack, with_compose, write_compose
from tests.real.estate import Estate, document

TOKEN = "the-token-of-all-hosts"
READY = ("Ready", "Stack/site")

Report = Callable[[], None]


@pytest.fixture
def estate(tmp_path: Path, compose: Path) -> Estate:
    estate = with_compose(estate_at(tmp_path / "estate", ARGOS_AGENT_TOKEN=TOKEN), compose)
    estate.write("agent.yaml", agent_document(drift={"intervals": {"reports": "1s"}}))
    host = {"docker": {"agent": {"hostId": "vm-1", "staleAfter": "1h"}}}
    estate.write("box.yaml", document("DockerHost", "box", host))
    return estate


def by_hand(estate: Estate, engine: RealDockerd, compose: Path, project: str) -> None:
    """Somebody with a hand on the host starts what is in the repository."""
    command = [str(compose), "--project-name", project, "up", "--detach", "--wait"]
    folder = estate.work / "stacks/site"
    subprocess.run(command, cwd=folder, env=engine.env, check=True, capture_output=True)


def reporter(agent: AgentProcess, engine: RealDockerd, folder: Path) -> Report:
    """Reports to `agent` what runs on `engine`, as the push agent does."""
    jq = require_component("jq", "scripts/components jq")
    env = {
        **engine.env,
        "PATH": os.pathsep.join([str(jq.parent), engine.env["PATH"]]),
        "ARGOS_URL": f"http://127.0.0.1:{agent.port}",
        "ARGOS_AGENT_TOKEN": TOKEN,
        "ARGOS_HOST_ID": "vm-1",
        "ARGOS_STATE": str(folder / "push"),
    }

    def report() -> None:
        with as_file(files("argos_gitops.providers.docker.push")) as scripts:
            command = ["bash", str(scripts / "argos-docker-agent.sh"), "--once"]
            done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return report


def conditions(estate: Estate) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(estate.run("status", "-o", "json").out)["conditions"]
    return {(each["type"], each["subject"]): each for each in found}


def reason(estate: Estate, subject: str = READY[1]) -> str:
    return str(conditions(estate).get(("Ready", subject), {}).get("reason", ""))


def test_desired_against_reported(
    estate: Estate, dockerd: RealDockerd, compose: Path, project: str, tmp_path: Path
) -> None:
    """Expected, there, changed by hand, and right again; nothing is ever applied."""
    estate.write("site.yaml", stack(project))
    limits = {"deploy": {"resources": {"limits": {"memory": "64m"}}}}
    image = f"stand-in/{dockerd.new_name('own')}:1"
    dockerd.add_image(image, "web", Labels={"own": image})  # which nobody pushed, so that it has no digest
    write_compose(estate, web={"image": image, "restart": "unless-stopped", **limits})
    estate.push("a site that somebody else has to start")
    with agent_on(estate) as agent:
        agent.ready()
        report = reporter(agent, dockerd, tmp_path)
        until(lambda: reason(estate, "DockerHost/box") == "NoReport", "nobody reported yet")
        assert estate.run("plan").code == 5
        report()
        until(lambda: reason(estate) == "NotAsDesired", "the site is missing")
        by_hand(estate, dockerd, compose, project)
        report()
        until(lambda: reason(estate) == "AsDesired", "the site is there")
        assert estate.run("plan", "--detailed-exitcode").code == 0

        container = f"{project}-web-1"
        dockerd.run("update", "--memory", "96m", "--memory-swap", "96m", container)
        dockerd.run("stop", container)
        report()
        until(lambda: reason(estate) == "NotAsDesired", "it was stopped")
        drift = estate.run("drift", "--detailed-exitcode")
        assert drift.code == 2
        assert "DockerHost/box only reports: 1 difference is to be put right there" in drift.out
        assert "drift since " in drift.out
        assert "went from running to exited" in drift.out
        assert "64 MiB → 96 MiB" in drift.out
        assert estate.run("plan", "--detailed-exitcode").code == 2
        told = conditions(estate)
        assert told["Drifted", "Stack/site"]["reason"] == "NotAsDesired"
        assert told["Drifted", "Stack/site"]["since"]
        assert "memory limit is 96 MiB, not 64 MiB" in told[READY]["message"]
        explained = estate.run("explain", "Stack/site").out
        assert "state: exited" in explained
        assert "image digest: not reported by this source" in explained
        before = dockerd.run("ps", "-aq", "--no-trunc")
        applied = estate.apply()
        assert applied.code == 1  # the Stack is not ready, and nobody here can help it
        assert "Nothing to do here; 1 difference is to be put right where only others write." in applied.out
        assert dockerd.run("ps", "-aq", "--no-trunc") == before

        dockerd.run("update", "--memory", "64m", "--memory-swap", "128m", container)
        dockerd.run("start", container)
        report()
        until(lambda: reason(estate) == "AsDesired", "it is right again")


def test_policies_on_files_and_on_what_runs(
    estate: Estate, dockerd: RealDockerd, compose: Path, project: str, tmp_path: Path
) -> None:
    """A warning in validate and plan, a condition for what runs; and a rejection at the line."""
    rules = {"rules": {name: {"enforce": "off"} for name in ("logRotation", "readOnlyRoot", "nonRoot")}}
    estate.write("policy.yaml", document("ContainerPolicy", "standard", rules))
    estate.write("site.yaml", stack(project))
    careful = {"image": dockerd.web, "restart": "always", "cpus": 1, "healthcheck": {"test": ["CMD", "true"]}}
    write_compose(estate, web=careful)
    estate.push("no memory limit")
    place = "stacks/site/compose.yaml:3"
    sentence = "service web of Stack/site has no memory limit (memoryLimit of ContainerPolicy/standard)"
    validated = estate.run("validate")
    assert validated.code == 0
    assert f"{place}:" in validated.err
    assert f"PolicyViolation {sentence}" in validated.err
    assert json.loads(estate.run("validate", "-o", "json").out)["warnings"][0]["line"] == 3
    assert f"{place}: PolicyViolation: {sentence}" in estate.run("plan").out
    with agent_on(estate) as agent:
        agent.ready()
        by_hand(estate, dockerd, compose, project)
        label = f"com.docker.compose.project={project}"  # by which it is cleaned away; no service names it
        dockerd.run("run", "--detach", "--label", label, "--name", f"{project}-loose", dockerd.sleep)
        reporter(agent, dockerd, tmp_path)()
        until(lambda: reason(estate) == "AsDesired", "the site is there")
        told = conditions(estate)
        assert told["PolicyCompliant", "Stack/site"]["message"] == sentence
        loose = told["PolicyCompliant", "DockerHost/box"]["message"]
        assert f"container {project}-loose on DockerHost/box has no health check" in loose
    estate.write("policy.yaml", document("ContainerPolicy", "standard", {"enforce": "deny", **rules}))
    estate.push("now it is meant")
    rejected = estate.run("validate")
    assert rejected.code == 3
    assert f"{place}:" in rejected.err
