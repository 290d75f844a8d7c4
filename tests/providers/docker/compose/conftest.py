"""Fixtures for all that is done with the real `docker compose`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.docker.compose.stacks import Surroundings


@pytest.fixture
def around(tmp_path: Path, compose: Path) -> Iterator[Surroundings]:
    """A machine with Compose, without secrets."""
    made = Surroundings(tmp_path, compose)
    with made.open:
        yield made
