"""A process that applies two Stacks, and is killed at one of the steps that it shows.

`python -m tests.providers.docker.killed N`: at the Nth step (a container that Compose made or started, a
service that turned out well) the process gets SIGKILL. The world comes as JSON in the variable KILLED_WORLD.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.kinds import StackSpec
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.host import Host, annotated, docker_host

_DB = 'services: {db: {image: "stand-in/sleep:1", environment: {VERSION: "1"}}}'
_WEB = """
services:
  web: {image: "stand-in/web:1", depends_on: [cache], environment: {VERSION: "1"}}
  cache: {image: "stand-in/sleep:1", environment: {VERSION: "1"}}
"""


def stacks(host: Host, project: str, version: str) -> Sequence[Resource[StackSpec]]:
    """Two Stacks, the second after the first; another version changes all three services."""
    first = host.stack(_DB.replace('"1"', f'"{version}"'), name="first", project=f"{project}-first")
    second = host.stack(_WEB.replace('"1"', f'"{version}"'), name="second", project=project)
    return first, annotated(second, dependsOn="Stack/first")


class FatalProgress:
    """Kills the process at one of its steps."""

    def __init__(self, fatal: int) -> None:
        self._left = fatal

    def task(self, description: str, total: int) -> Self:
        return self

    def advance(self, steps: int = 1) -> None:
        self._left -= steps
        if steps and self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return


def main() -> None:
    world: dict[str, Any] = json.loads(os.environ["KILLED_WORLD"])
    around = Surroundings(
        Path(world["folder"]), Path(world["compose"]), progress=FatalProgress(int(sys.argv[1]))
    )
    with Host(around, docker_host(world["socket"])) as host:
        host.want(*stacks(host, world["project"], world["version"])).apply()


if __name__ == "__main__":
    main()
