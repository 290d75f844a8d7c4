"""Stacks on a real engine: what is hashed is what runs, and only what changed is touched."""

import json
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.compose.marks import config_hash_of
from argos_gitops.providers.docker.compose.runner import ComposeRunner
from argos_gitops.providers.docker.engine.connection import EngineConnection
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.settings import Connection
from tests.components.docker import RealDockerd
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.starts import starts_of

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


class Engine(EngineConnection):
    """An engine behind a Unix socket, for a Compose that builds without BuildKit."""

    def __init__(self, around: Surroundings, socket: Path) -> None:
        connection = Connection(unix=str(socket))
        super().__init__("DockerHost/nas", connection, around.context().secrets, timedelta(seconds=20))
        around.open.callback(self.close)

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "DOCKER_BUILDKIT": "0"}


def runner_of(around: Surroundings, dockerd: RealDockerd, *, local: bool = True) -> ComposeRunner:
    return ComposeRunner("nas", around.context(), Engine(around, dockerd.socket), local=local)


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


SMALL = """\
services:
  web: {image: "stand-in/sleep:1", depends_on: [db], environment: {PW: "${PW:-}", TAG: "${TAG:-1}"}}
  db: {image: "stand-in/sleep:1", volumes: ["./conf:/conf"], environment: {DB_TAG: "${DB_TAG:-1}"}}
"""


def ids(dockerd: RealDockerd, project: str) -> dict[str, str]:
    found = containers(dockerd, project).values()
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each["Id"] for each in found}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_only_what_changed_is_touched(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str
) -> None:
    def stack(conf: str = "1", **environment: str) -> Stack:
        files = {"compose.yaml": SMALL, "conf/a": conf, "README.md": conf}
        return around.stack(files, project=project, environment=environment)

    runner.up(stack())
    first = ids(dockerd, project)
    runner.up(stack(TAG="2"), ["web"])
    second = ids(dockerd, project)
    assert changed(first, second) == {"web"}
    assert changed(runner.hashes(stack()).by_service, runner.hashes(stack(TAG="2")).by_service) == {"web"}
    runner.up(stack("2", TAG="2"))
    assert changed(second, ids(dockerd, project)) == {"db"}, "a mounted file is another one"
    before = ids(dockerd, project)
    runner.up(stack("2", TAG="2"), ["web"], recreate=True)
    assert changed(before, ids(dockerd, project)) == {"web"}


def test_what_lives_in_the_namespaces_of_a_service_comes_along(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str
) -> None:
    text = SMALL + '  side: {image: "stand-in/sleep:1", network_mode: "service:db"}\n'

    def stack(tag: str) -> Stack:
        return around.stack({"compose.yaml": text}, project=project, environment={"DB_TAG": tag})

    runner.up(stack("1"))
    before = ids(dockerd, project)
    runner.up(stack("2"), ["db"])
    assert changed(before, ids(dockerd, project)) == {"db", "side"}
    assert live_hashes(dockerd, project) == runner.hashes(stack("2")).by_service


def test_fm13_a_rotated_secret_is_another_hash(around: Surroundings, runner: ComposeRunner) -> None:
    """In an environment Compose sees it, in a mounted secret only we do. No file tells the value."""
    stack = around.stack(FILES, environment={"PW": {"env": "PW"}})
    around.environment["PW"] = "canary-one"
    first = runner.hashes(stack)
    around.environment["PW"] = "canary-two"
    second = runner.hashes(stack)
    assert changed(first.by_service, second.by_service) == {"envs", "injected"}
    assert first.inputs != second.inputs
    around.environment["PW"] = "canary-one"
    assert runner.hashes(stack) == first
    for path in around.folder.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes()


def test_a_restart_that_was_asked_for_makes_new_containers(
    around: Surroundings, runner: ComposeRunner
) -> None:
    plain = around.stack({"compose.yaml": SMALL})
    asked = around.stack(
        {"compose.yaml": SMALL}, annotations={"argos.dev/restartedAt": "2026-01-01T00:00:00Z"}
    )
    assert changed(runner.hashes(plain).by_service, runner.hashes(asked).by_service) == {"web", "db"}


def test_a_later_process_of_the_agent_starts_no_compose(around: Surroundings) -> None:
    stack = around.stack({"compose.yaml": SMALL, "conf/a": "1"})
    with starts_of(around.compose) as commands:
        known = runner_without_engine(around).hashes(stack)
    assert commands
    with starts_of(around.compose) as commands:
        assert runner_without_engine(around).hashes(stack) == known
    assert not commands


def runner_without_engine(around: Surroundings) -> ComposeRunner:
    return ComposeRunner("nas", around.context(), Engine(around, around.folder / "nobody.sock"), local=True)


def test_what_a_person_started_with_compose_is_taken_over_as_it_is(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str, tmp_path: Path
) -> None:
    """Only what mounts files of the repository is made anew once, to carry its mark."""
    files = {
        "compose.yaml": SMALL.replace("web: {", "web: {env_file: web.env, "),
        "web.env": "A=b\n",
        "conf/a": "1",
    }
    checkout = tmp_path / "checkout"
    for path, text in files.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    environment = {**dockerd.env, "TAG": "2"}
    command = [str(around.compose), "--project-name", project, "up", "--detach"]
    subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
    before = ids(dockerd, project)
    stack = around.stack(files, project=project, directory=str(checkout), environment={"TAG": "2"})
    foretold = runner.hashes(stack).by_service
    assert changed(live_hashes(dockerd, project), foretold) == {"db"}
    runner.up(stack)
    assert changed(before, ids(dockerd, project)) == {"db"}
    assert live_hashes(dockerd, project) == foretold


def test_a_profile_of_the_folder_reaches_the_engine(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str
) -> None:
    """Compose reads it where it runs: from the Stack's folder, which is all that it may open there."""
    files = {
        "compose.yaml": 'services: {web: {image: "stand-in/sleep:1", security_opt: ["seccomp:./p.json"]}}\n',
        "p.json": '{"defaultAction": "SCMP_ACT_ALLOW"}',
    }
    runner.up(around.stack(files, project=project))
    (web,) = containers(dockerd, project).values()
    assert web["HostConfig"]["SecurityOpt"] == ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']


def test_what_starts_containers_has_no_value_in_its_environment(
    around: Surroundings, runner: ComposeRunner, dockerd: RealDockerd, project: str
) -> None:
    around.environment["PW"] = SECRET
    text = 'services: {web: {image: "stand-in/sleep:1", environment: {PW: "${PW}"}, secrets: [s]}}\n'
    files = {"compose.yaml": text + "secrets: {s: {environment: PW}}\n"}
    stack = around.stack(files, project=project, environment={"PW": {"env": "PW"}})
    with starts_of(around.compose) as starts:
        runner.up(stack)
    assert [start for start in starts if " up " in start.command]
    for start in starts:
        assert SECRET not in f"{start.command} {[*start.environment.values()]}"
        assert not {name for name in start.environment if name.startswith(("PW", "ARGOS_VALUE"))} - {"PWD"}
    assert dockerd.run("exec", f"{project}-web-1", "cat", "/run/secrets/s") == SECRET
