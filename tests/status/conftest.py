"""Agents that report to a real repository."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.status import StatusBranch, open_branch
from tests.components.git import Origin


@pytest.fixture
def writer(origin: Origin, tmp_path: Path) -> Callable[..., StatusBranch]:
    """An agent with a mirror of its own; the same `agent` again is a new process on the same one."""

    def make(
        agent: str = "one", instance: str = "home", pause: Callable[[float], None] = time.sleep
    ) -> StatusBranch:
        return StatusBranch(instance, lambda name: open_branch(origin.url, name, tmp_path / agent), pause)

    return make
