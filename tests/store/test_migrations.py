"""The schema: upwards from the first with everything kept, and alike however a store came to it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine, insert, inspect, make_url, text

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import StoreError
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import Converged, PassRecord, Revisions
from argos_gitops.store import tables
from argos_gitops.store.database import SCHEMA_HEAD, open_database
from argos_gitops.store.inventory import SqlInventory
from argos_gitops.store.migrations.upgrade import upgrade
from argos_gitops.store.status import SqlStatusStore

EDGE = SystemKey(ResourceKey("Edge", "main"), "caddy")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

SYSTEM: dict[str, object] = {"instance": "one", "target": "Edge/main", "provider": "caddy"}
# What the first release kept.
FIRST: dict[str, dict[str, object]] = {
    "inventory": SYSTEM
    | {"object_id": "a", "owner": "Host/a", "digest": "d", "protected": True}
    | {"revision": "rev", "applied_at": NOW},
    "generations": SYSTEM | {"number": 7},
    "converged": SYSTEM | {"desired": "d", "live": "l"},
    "systems": SYSTEM | {"document": b"{}"},
    "conditions": {"instance": "one", "subject": "Host/a", "type": "Ready", "status": "False"}
    | {"reason": "ProbeFailed", "message": "m", "since": NOW},
    "agent_state": {"instance": "one", "attempted": "x", "applied": "y", "applied_at": NOW}
    | {"healthy": "z", "reported": "r"},
    "passes": {"instance": "one", "at": NOW, "revision": "x", "subject": "s", "result": "Applied"}
    | {"plan_digest": "p", "summary": "1 to add"},
}

OPEN = """
import sys
from argos_gitops.store.database import open_database
from argos_gitops.store.status import SqlStatusStore
sys.stdin.readline()
SqlStatusStore(open_database(sys.argv[1]), "one").set_reported("all", sys.argv[2])
"""


@pytest.fixture
def plain(database_url: str) -> Iterator[Engine]:
    """The same database for whoever knows nothing of us."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir()
        engine = create_engine(url)
    else:
        engine = create_engine(url.set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


def set_up_first(engine: Engine) -> None:
    """The schema and the rows of the first release."""
    with engine.begin() as connection:
        upgrade(connection, "0001")
        first = MetaData()
        first.reflect(connection)
        for name, row in FIRST.items():
            connection.execute(insert(first.tables[name]).values(row))


def test_the_first_schema_comes_up_with_everything_in_it(
    plain: Engine, open_store: Callable[[], Engine]
) -> None:
    set_up_first(plain)
    engine = open_store()
    inventory, statuses = SqlInventory(engine, "one"), SqlStatusStore(engine, "one")
    entry = InventoryEntry("a", ResourceKey("Host", "a"), "d", True, "rev", NOW)
    assert inventory.entries(EDGE) == {"a": entry}
    assert inventory.converged(EDGE) == Converged("d", "l")
    assert inventory.systems() == {EDGE: b"{}"}
    ready = Condition(ResourceKey("Host", "a"), "Ready", Truth.FALSE, "ProbeFailed", "m", NOW)
    assert statuses.conditions() == [ready]
    assert statuses.conditions()[0].since == NOW
    assert statuses.revisions() == Revisions("x", "y", NOW, "z")
    assert list(statuses.passes(5)) == [PassRecord(NOW, "x", "s", "Applied", "p", "1 to add")]


def test_upgrading_and_starting_afresh_end_alike(
    plain: Engine, database_url: str, request: pytest.FixtureRequest
) -> None:
    """Column by column, key by key, index by index, and at the same head."""
    set_up_first(plain)
    upgraded = open_database(database_url)
    if plain.dialect.name == "sqlite":
        fresh = open_database(f"{database_url}.fresh")
    else:
        fresh = open_database(request.getfixturevalue("postgres").new_database())
    try:
        assert schema(upgraded) == schema(fresh)
        assert set(schema(fresh)) == {*tables.metadata.tables, "alembic_version"}
    finally:
        upgraded.dispose()
        fresh.dispose()


def schema(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert version == SCHEMA_HEAD
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            found.get_pk_constraint(name),
            sorted((str(index["name"]), index["column_names"]) for index in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }


@pytest.mark.parametrize("old", [False, True], ids=["empty", "old"])
def test_many_may_open_a_database_at_once(
    old: bool, plain: Engine, database_url: str, open_store: Callable[[], Engine]
) -> None:
    """Replicas that start together: one of them makes or migrates the schema, all of them can write."""
    if old:
        set_up_first(plain)
    command = [sys.executable, "-c", OPEN, database_url]
    openers = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(6)
    ]
    for opener in openers:  # all have imported what they need before any begins
        assert opener.stdin is not None
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[1] for opener in openers] == [""] * 6
    assert SqlStatusStore(open_store(), "one").reported("all") in set("012345")


def test_a_schema_of_a_newer_version_is_refused(
    plain: Engine, database_url: str, open_store: Callable[[], Engine]
) -> None:
    """An older replica beside a newer one says so, and leaves the store alone."""
    open_store()
    with plain.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"9999.*newer"):
        open_database(database_url)
