"""What a report costs the host that it is about: processor time of the push agent, without the engine's."""

import resource
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figure import Figure, Rule
from benchmarks.measure import Action, interleaved
from tests.components.docker import RealDockerd

NAME = "push_agent"
_CONTAINERS = 50
_VARIABLES = 30
_LABELS = 20
_CPU_SECONDS = 1.0


def run(bench: Bench) -> Iterator[Figure]:
    with RealDockerd() as dockerd, as_file(files("argos_gitops.providers.docker.push")) as folder:
        _start_containers(dockerd)
        ids = dockerd.run("ps", "--quiet").split()
        ours, bare = interleaved(
            bench.runs,
            partial(_processor_seconds, partial(_report, folder / "argos-docker-agent.sh", dockerd.env)),
            partial(_processor_seconds, partial(_ask_alone, dockerd, ids)),
        )
    what = f"processor time for a report on {_CONTAINERS} containers"
    against = "docker ps, inspect, images and stats alone"
    yield Figure(NAME, what, "s", ours, against, bare, Rule.ABSOLUTE, ours.median, _CPU_SECONDS)


def _start_containers(dockerd: RealDockerd) -> None:
    """With as much to mask and to tell as containers of stacks usually have."""
    variables = [f"--env=VARIABLE_{number}=value {number} of many" for number in range(_VARIABLES)]
    labels = [f"--label=com.example.label-{number}=value {number}" for number in range(_LABELS)]
    secrets = ["--env=DATABASE_URL=postgres://app:secret@db/app", "--env=API_KEY=secret"]
    dockerd.run("network", "create", "stacks")
    for _ in range(_CONTAINERS):
        dockerd.run("run", "--detach", "--network=stacks", *variables, *labels, *secrets, dockerd.sleep)


def _report(script: Path, env: Mapping[str, str]) -> None:
    command = ["bash", str(script), "--print"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**env, "ARGOS_HOST_ID": "docker-1"})


def _ask_alone(dockerd: RealDockerd, ids: list[str]) -> None:
    for question in (["ps", "--all"], ["inspect", *ids], ["images", "--digests"], ["stats", "--no-stream"]):
        dockerd.run(*question)


def _processor_seconds(action: Action) -> float:
    """Of all processes that `action` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
