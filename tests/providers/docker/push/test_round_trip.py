"""From a real container through the agent, our server and its store to whoever asks the API."""

import json
from pathlib import Path

from tests.components.docker import RealDockerd
from tests.providers.docker.push.conftest import PushAgent
from tests.web.running import AGENT_TOKEN, AS_OPERATOR, RunningSite

_CONTAINERS = "/api/agents/docker/hosts/docker-1/containers"
_SEED_FIELDS = {
    *("id", "name", "image", "imageId", "state", "status", "createdAt", "startedAt", "restartCount"),
    *("restartPolicy", "health", "ports", "networks", "mounts", "env", "command", "labels", "stats"),
}


def test_every_field_of_a_container_comes_out_as_it_was(
    docker_agent: PushAgent, dockerd: RealDockerd, project: str, tmp_path: Path
) -> None:
    """Those of the contract and ours; a heartbeat after it is understood, and keeps them."""
    label = ("--label", f"com.docker.compose.project={project}")
    dockerd.run("network", "create", *label, project)
    dockerd.run(
        *("run", "--detach", "--name", dockerd.new_name("app"), *label, "--network", project),
        *(
            "--publish",
            "127.0.0.1::80",
            "--env",
            "API_KEY=k",
            "--mount",
            f"type=bind,src={tmp_path},dst=/host",
        ),
        *("--memory", "64m", "--cap-drop", "ALL", dockerd.web),
    )
    with RunningSite(tmp_path) as site:
        docker_agent.settings |= {"ARGOS_URL": site.url, "ARGOS_AGENT_TOKEN": AGENT_TOKEN}
        printed = docker_agent.printed()
        for expected in ("reported", "said that nothing changed"):
            done = docker_agent("--verbose")
            assert (done.returncode, expected in done.stderr) == (0, True), done.stderr
        kept = {each["name"]: each for each in site.client.get(_CONTAINERS, headers=AS_OPERATOR).json()}
        assert _lasting(kept) == _lasting(printed)
        assert any(each.keys() >= _SEED_FIELDS for each in kept.values())


def _lasting(containers: object) -> object:
    """Without what passes: statistics, wording, and a health that is being found out."""
    parts = json.loads(json.dumps(containers))
    return {
        name: {field: value for field, value in each.items() if field not in {"stats", "status", "health"}}
        for name, each in parts.items()
    }
