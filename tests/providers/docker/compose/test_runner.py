"""Stacks on a real engine: what is hashed is what runs, and only what changed is touched."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.compose.marks import config_hash_of
from argos_gitops.providers.docker.compose.runner import ComposeRunner
from argos_gitops.providers.docker.kinds import StackSpec
from tests.components.docker import RealDockerd
from tests.providers.docker.compose.stacks import Surroundings

Stack = Resource[StackSpec]

FEATURES = """\
x-base: &base
  image: stand-in/sleep:1
  pull_policy: missing
services:
  plain: {<<: *base, depends_on: [envs]}
  envs: {<<: *base, env_file: web.env, environment: {PRICE: "5$$", PW: "${PW}", EMPTY: ""}}
  text: {<<: *base, command: ["sh", "-c", "echo $$HOME <a&b>; exec sleep 86400"], labels: ["a.b=c$$d"]}
  files: {<<: *base, volumes: ["./conf:/etc/conf:ro", "./app.ini:/app.ini:ro", "data:/data"]}
  injected:
    <<: *base
    secrets: [file, value]
    configs: [{source: text, target: /text, mode: 0440}, {source: value, target: /value}]
  limited:
    <<: *base
    cpus: 0.5
    mem_limit: 64m
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    user: "1000"
    restart: unless-stopped
    ulimits: {nproc: 64, nofile: {soft: 1024, hard: 2048}}
    tmpfs: /tmp
    shm_size: 64m
    stop_grace_period: 3s
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    healthcheck: {test: ["CMD", "true"], interval: 1m30s, start_period: 5s}
    deploy: {replicas: 2, resources: {reservations: {memory: 16M}}}
  extended: {extends: {file: common/base.yaml, service: base}}
  labelled: {<<: *base, label_file: labels.env}
  inside: {<<: *base, network_mode: "service:plain", pid: "service:plain"}
  sharing: {<<: *base, volumes_from: [files]}
  rare: {<<: *base, profiles: [rare]}
  never: {<<: *base, profiles: [never]}
secrets:
  file: {file: ./secret.txt}
  value: {environment: PW}
configs:
  text: {content: "a $$b ${PW}"}
  value: {environment: PW}
volumes: {data: {}}
"""
FILES = {
    "compose.yaml": FEATURES,
    "compose.override.yml": "services: {plain: {hostname: overridden}}\n",
    "common/base.yaml": 'services: {base: {image: "stand-in/sleep:1", volumes: ["./x:/x"]}}\n',
    "web.env": 'FROM_FILE=q"uo${TAG:-te}\n',
    "labels.env": "l.x=1\n",
    "conf/a.conf": "a\n",
    "app.ini": "b\n",
    "secret.txt": "c\n",
}
SECRET = "canary$7 'quo\"ted"


@pytest.fixture
def runner(around: Surroundings, dockerd: RealDockerd) -> ComposeRunner:
    return runner_of(around, dockerd)


def runner_of(around: Surroundings, dockerd: RealDockerd) -> ComposeRunner:
    reach = {"DOCKER_HOST": dockerd.env["DOCKER_HOST"], "DOCKER_BUILDKIT": "0"}
    return ComposeRunner("nas", around.context(), lambda: reach, local=True)


def containers(dockerd: RealDockerd, project: str) -> Mapping[str, Any]:
    """By name, without the project's."""
    label = f"label=com.docker.compose.project={project}"
    found = dockerd.run("ps", "--all", "--quiet", "--filter", label).split()
    inspected = json.loads(dockerd.run("inspect", *found)) if found else []
    return {each["Name"].removeprefix(f"/{project}-"): each for each in inspected}


def live_hashes(dockerd: RealDockerd, project: str) -> Mapping[str, str]:
    labels = [each["Config"]["Labels"] for each in containers(dockerd, project).values()]
    return {each["com.docker.compose.service"]: config_hash_of(each) for each in labels}


def test_what_was_hashed_is_what_runs(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str
) -> None:
    """For every feature that the hash depends on, `up` labels containers with the hash that was foretold."""
    around.environment["PW"] = SECRET
    spec: dict[str, Any] = {"profiles": ["rare"], "environment": {"PW": {"env": "PW"}}, "project": project}
    stack = around.stack(FILES, **spec)
    runner.up(stack)
    assert live_hashes(dockerd, project) == runner.hashes(stack).by_service
    ids = {name: each["Id"] for name, each in containers(dockerd, project).items()}
    runner.up(stack)
    assert {name: each["Id"] for name, each in containers(dockerd, project).items()} == ids
    assert (
        dockerd.run("exec", f"{project}-injected-1", "cat", "/run/secrets/value", "/text")
        == f"{SECRET}a $b {SECRET}"
    )
    assert dockerd.run("exec", f"{project}-files-1", "cat", "/etc/conf/a.conf", "/app.ini") == "a\nb"
