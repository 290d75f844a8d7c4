"""Fixtures for all that is done with the real `docker compose`."""

from pathlib import Path

import pytest

from tests.providers.docker.compose.stacks import Surroundings


@pytest.fixture
def around(tmp_path: Path, compose: Path) -> Surroundings:
    """A machine with Compose, without secrets."""
    return Surroundings(tmp_path, compose)
