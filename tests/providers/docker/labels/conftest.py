"""Fixtures for labels that become Hosts."""

from pathlib import Path

import pytest

from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.labels.estate import Estate


@pytest.fixture
def estate(tmp_path: Path, compose: Path) -> Estate:
    """Without a Stack yet."""
    (tmp_path / "config").mkdir()
    return Estate(Surroundings(tmp_path, compose))
