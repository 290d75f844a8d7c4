"""A pass over 100 Stacks of one host with nothing to do, against `docker compose ls` and `docker ps`."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.estate import git_environment
from benchmarks.figure import Figure, peak, ratio
from benchmarks.measure import interleaved, run_quietly, seconds
from benchmarks.program import Program
from benchmarks.warm import WarmProcess
from tests.components.docker import HOW_TO_GET_COMPOSE, RealDockerd
from tests.components.lookup import find_program

NAME = "stacks"
LIMIT = 1.5
STACKS = 100
_NETWORKS = 5
"""Of so many addresses each as the engine gives a network by itself."""

_HOST = """\
apiVersion: argos.dev/v1
kind: DockerHost
metadata: {{name: main}}
spec: {{docker: {{connection: {{unix: {socket}}}}}}}
"""
_NETWORK = """\
apiVersion: argos.dev/v1
kind: Network
metadata: {{name: shared-{number}}}
spec: {{host: main}}
"""
_STACK = """\
apiVersion: argos.dev/v1
kind: Stack
metadata: {{name: app-{number:03}}}
spec: {{host: main, path: stacks/app-{number:03}}}
"""
_COMPOSE = """\
services:
  app:
    image: stand-in/sleep:1
    environment: {{NUMBER: "{number}"}}
    restart: unless-stopped
    mem_limit: 16m
networks: {{default: {{external: true, name: shared-{network}}}}}
"""


def run(bench: Bench) -> Iterator[Figure]:
    folder = bench.folder / "stacks"
    with RealDockerd() as dockerd:
        origin = _repository(folder, dockerd.socket)
        program = Program(folder / "argos")
        environment = {**program.environment, "ARGOS_DOCKER_COMPOSE": str(_compose())}
        _converge(program, environment, origin)
        with WarmProcess(environment, origin) as warm:
            ours, reference = interleaved(
                bench.runs * 2,
                lambda: seconds(warm.run_pass),
                lambda: seconds(lambda: _list_all(dockerd.env)),
            )
            with warm.watched() as memory:
                warm.run_pass()
    against = "docker compose ls + docker ps"
    yield ratio(NAME, f"a pass over {STACKS} stacks without changes", ours, against, reference, LIMIT)
    yield peak(NAME, "peak memory of that pass", memory.megabytes)


def _repository(folder: Path, socket: Path) -> Path:
    """A bare repository with all Stacks."""
    checkout, origin = folder / "checkout", folder / "origin.git"
    files = {"host.yaml": _HOST.format(socket=socket)}
    for number in range(_NETWORKS):
        files[f"networks/{number}.yaml"] = _NETWORK.format(number=number)
    for number in range(STACKS):
        files[f"stacks/app-{number:03}.yaml"] = _STACK.format(number=number)
        files[f"stacks/app-{number:03}/compose.yaml"] = _COMPOSE.format(
            number=number, network=number % _NETWORKS
        )
    for path, text in files.items():
        place = checkout / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    _git("init", "--quiet", "--initial-branch=main", ".", folder=checkout)
    _git("add", "--all", folder=checkout)
    _git("commit", "--quiet", "--message", "all stacks", folder=checkout)
    _git("clone", "--quiet", "--bare", ".", str(origin), folder=checkout)
    return origin


def _converge(program: Program, environment: Mapping[str, str], origin: Path) -> None:
    program.forget()
    argos = Path(sys.executable).with_name("argos-gitops")
    command = ["apply", "--auto-approve", "--repo", str(origin)]
    run_quietly([str(argos), *command], environment)


def _list_all(environment: Mapping[str, str]) -> None:
    for command in ([str(_compose()), "ls", "--all"], ["docker", "ps", "--all"]):
        subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)


def _compose() -> Path:
    return find_program("docker-compose", HOW_TO_GET_COMPOSE)


def _git(*arguments: str, folder: Path) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=git_environment(), check=True, capture_output=True)
