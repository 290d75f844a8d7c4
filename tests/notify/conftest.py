"""Fixtures of this room: a store of its own, and a receiver."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.store.database import open_database
from tests.components.receiver import Receiver


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server
