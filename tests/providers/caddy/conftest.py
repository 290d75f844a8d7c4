"""Worlds end what they opened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[[AnyResource], World]]:
    """Makes a World of an Edge, and closes its provider when the test ends."""
    made: list[World] = []

    def make(edge: AnyResource) -> World:
        made.append(World(edge, tmp_path / f"cache-{len(made)}"))
        return made[-1]

    yield make
    for each in made:
        each.provider.close()


@pytest.fixture
def ask(caddy: RealCaddy) -> Ask:
    """Asks the real Caddy of this test."""
    return Ask(caddy)
