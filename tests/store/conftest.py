"""What is kept must come back alike from SQLite and from PostgreSQL: these tests run on both."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.store.database import open_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'state.db'}"
    url: str = request.getfixturevalue("postgres").new_database()
    return url


@pytest.fixture
def open_store(database_url: str) -> Iterator[Callable[[], Engine]]:
    """Opens the database, each time as another process would."""
    opened: list[Engine] = []

    def open_it() -> Engine:
        opened.append(open_database(database_url))
        return opened[-1]

    yield open_it
    for engine in opened:
        engine.dispose()


@pytest.fixture
def store(open_store: Callable[[], Engine]) -> Engine:
    """An opened database that holds nothing."""
    return open_store()
