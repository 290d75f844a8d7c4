"""A Docker host of a test's own: a real engine that it shares, projects that nobody else has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.docker import RealDockerd
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.host import Host


@pytest.fixture
def around(tmp_path: Path, compose: Path) -> Iterator[Surroundings]:
    """A machine with Compose, without secrets."""
    made = Surroundings(tmp_path, compose)
    with made.open:
        yield made


@pytest.fixture
def host(dockerd: RealDockerd, around: Surroundings) -> Iterator[Host]:
    """A host that nothing of ours is on yet."""
    with Host.of(dockerd, around) as made:
        yield made
