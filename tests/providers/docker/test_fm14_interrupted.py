"""An apply that ends at any step: the next one converges, nothing is doubled, nothing of others is lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from argos_gitops.model.errors import StalePlanError
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host, await_that
from tests.providers.docker.killed import stacks

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def projects(dockerd: RealDockerd, project: str) -> Iterator[str]:
    yield project
    dockerd.clean(project=f"{project}-first")


def test_fm14_killed_at_every_step(host: Host, projects: str, dockerd: RealDockerd) -> None:
    """Kill -9 at each step in turn, until a run gets through; each time another pass finishes the work."""
    dockerd.run("run", "--detach", "--name", f"{projects}-other", dockerd.sleep)
    step, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        step += 1
        code = _killed_at(step, host, projects)
        host.want(*stacks(host, projects, str(step)))
        await_that(lambda: _converges(host), "it converges")
        assert _running(dockerd, projects) == 3
        assert step < 30
    assert code == 0
    assert step > 4
    assert dockerd.run("rm", "--force", f"{projects}-other")


def test_fm15_two_agents_converge(host: Host, projects: str, dockerd: RealDockerd) -> None:
    """One is killed while it starts containers, and Compose may go on; the other one works on at once."""
    with Host(host.surroundings, host.target) as other:
        assert _killed_at(1, host, projects) == -signal.SIGKILL
        for each in (host, other):
            each.want(*stacks(each, projects, "1"))
        await_that(lambda: _converges(host), "it converges")
        assert other.plan() == ()
        assert _running(dockerd, projects) == 3


def _converges(host: Host) -> bool:
    """Whether nothing is left to do after another pass; Compose may have outlived who started it."""
    with suppress(StalePlanError):
        host.apply()
    return host.plan() == ()


def _killed_at(step: int, host: Host, project: str) -> int:
    world = {
        "folder": str(host.surroundings.folder),
        "compose": str(host.surroundings.compose),
        "socket": host.target.spec.docker.connection.unix,  # type: ignore[attr-defined]
        "project": project,
        "version": str(step),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.providers.docker.killed", str(step)],
        cwd=_ROOT,
        env={**os.environ, "KILLED_WORLD": json.dumps(world)},
        check=False,
        timeout=300,
    ).returncode


def _running(dockerd: RealDockerd, project: str) -> int:
    found = 0
    for name in (project, f"{project}-first"):
        found += len(
            dockerd.run("ps", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()
        )
    return found
