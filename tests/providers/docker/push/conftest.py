"""The script as a host runs it: with an environment of its own, against a receiver on loopback."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from tests.components.docker import RealDockerd
from tests.components.receiver import Receiver
from tests.conftest import require_component

TOKEN = "of-this-host-alone"


@dataclass
class PushAgent:
    """Runs the script with `env` and what a call adds; a setting that is None is left out."""

    script: Path
    env: dict[str, str]
    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __call__(self, *options: str, **settings: str | None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", str(self.script), *options],
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def environment(self, **settings: str | None) -> dict[str, str]:
        chosen = {**self.env, **self.settings, **settings}
        return {name: value for name, value in chosen.items() if value is not None}

    def printed(self, **settings: str | None) -> dict[str, Mapping[str, Any]]:
        """The containers of a report by their names."""
        done = self("--print", **settings)
        assert done.returncode == 0, done.stderr
        return {each["name"]: each for each in json.loads(done.stdout)["containers"]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture
def script() -> Iterator[Path]:
    with as_file(files("argos_gitops.providers.docker.push")) as folder:
        yield folder / "argos-docker-agent.sh"


@pytest.fixture
def agent(script: Path, receiver: Receiver, tmp_path: Path) -> PushAgent:
    """Set to report to `receiver`; of an engine it knows nothing yet."""
    jq = require_component("jq", "scripts/components jq")
    require_component("curl", "apt-get install curl")
    env = {"PATH": os.pathsep.join([str(jq.parent), os.environ["PATH"]]), "HOME": str(tmp_path)}
    settings = {
        "ARGOS_URL": receiver.url,
        "ARGOS_AGENT_TOKEN": TOKEN,
        "ARGOS_HOST_ID": "docker-1",
        "ARGOS_STATE": str(tmp_path / "state"),
        "ARGOS_RETRY_WAIT": "0",
    }
    return PushAgent(script, env, tmp_path, settings)


@pytest.fixture
def docker_agent(agent: PushAgent, dockerd: RealDockerd) -> PushAgent:
    """The same on the host of `dockerd`."""
    agent.env["DOCKER_HOST"] = dockerd.env["DOCKER_HOST"]
    agent.env["PATH"] = os.pathsep.join([agent.env["PATH"], dockerd.env["PATH"]])
    return agent


@pytest.fixture
def make_engine(agent: PushAgent) -> Callable[..., None]:
    """Puts an engine of a few lines of shell in the place of Docker: `make_engine("inspect) echo … ;;")`."""

    def make(*cases: str) -> None:
        program = agent.home / "engine"
        program.write_text("\n".join(["#!/bin/sh", 'case "$1" in', *cases, "esac", ""]))
        program.chmod(0o755)
        agent.settings["ARGOS_ENGINE"] = str(program)

    return make
