"""The store on SQLite: what is kept comes back, what is broken is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect

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


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'deep' / 'state.db'}"


def entry(object_id: str, digest: str = "d") -> InventoryEntry:
    return InventoryEntry(object_id, ResourceKey("Host", "a"), digest, False, "rev", NOW)


def test_inventory_survives_a_restart(tmp_path: Path) -> None:
    """Entries, memos and remembered systems come back in a new process, aware of their time zone."""
    first = SqlInventory(open_database(url(tmp_path)), "one")
    first.record(EDGE, [entry("a"), entry("b")], [])
    first.record(EDGE, [entry("a", "new")], ["b"])
    first.set_converged(EDGE, Converged("d", "l", NOW))
    first.remember_system(EDGE, b"{}")
    again = SqlInventory(open_database(url(tmp_path)), "one")
    assert again.entries(EDGE) == {"a": entry("a", "new")}
    assert again.converged(EDGE) == Converged("d", "l", NOW)
    assert again.systems() == {EDGE: b"{}"}
    again.forget_system(EDGE)
    assert (again.systems(), again.converged(EDGE)) == ({}, None)


def test_two_processes_see_what_the_other_wrote(tmp_path: Path) -> None:
    """What is kept in memory is believed only as long as nobody else has written."""
    one = SqlInventory(open_database(url(tmp_path)), "one")
    two = SqlInventory(open_database(url(tmp_path)), "one")
    for number, (writer, reader) in enumerate([(one, two), (two, one), (one, two), (one, one)]):
        writer.record(EDGE, [entry("a", f"digest {number}"), entry(f"new {number}")], [f"new {number - 1}"])
        assert reader.entries(EDGE) == writer.entries(EDGE)
        assert set(reader.entries(EDGE)) == {"a", f"new {number}"}
        assert reader.entries(EDGE)["a"].digest == f"digest {number}"


def test_instances_do_not_see_each_other(tmp_path: Path) -> None:
    engine = open_database(url(tmp_path))
    SqlInventory(engine, "one").record(EDGE, [entry("a")], [])
    SqlStatusStore(engine, "one").set_revisions(Revisions(attempted="x"))
    assert SqlInventory(engine, "two").entries(EDGE) == {}
    assert SqlStatusStore(engine, "two").revisions() == Revisions()


def test_many_entries_at_once(tmp_path: Path) -> None:
    """More ids than a database takes parameters."""
    inventory = SqlInventory(open_database(url(tmp_path)), "one")
    many = [entry(f"object-{number}") for number in range(2500)]
    inventory.record(EDGE, many, [])
    inventory.record(EDGE, many[:10], [each.object_id for each in many[10:]])
    assert len(inventory.entries(EDGE)) == 10


def test_a_condition_keeps_the_time_of_its_change(tmp_path: Path) -> None:
    """A reason may change; only another status is another moment."""
    statuses = SqlStatusStore(open_database(url(tmp_path)), "one")
    subject = ResourceKey("Host", "a")
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.FALSE, "A", "", NOW)]})
    later = NOW + timedelta(hours=1)
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.FALSE, "B", "", later)]})
    assert statuses.conditions() == [Condition(subject, "Ready", Truth.FALSE, "B", "", NOW)]
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.TRUE, "B", "", later)]})
    assert statuses.conditions()[0].since == later


def test_history_is_newest_first(tmp_path: Path) -> None:
    statuses = SqlStatusStore(open_database(url(tmp_path)), "one")
    for number in range(5):
        statuses.add_pass(PassRecord(NOW, f"rev{number}", "s", "Applied", "", ""))
    assert [record.revision for record in statuses.passes(2)] == ["rev4", "rev3"]


def test_the_migrations_lead_to_the_schema_that_a_new_store_gets(tmp_path: Path) -> None:
    """Column by column, key by key, and to the same head: upgrading and starting afresh end alike."""
    fresh = open_database(url(tmp_path))
    upgraded = create_engine(f"sqlite:///{tmp_path / 'upgraded.db'}")
    upgrade(upgraded)
    assert _schema(upgraded) == _schema(fresh)
    assert set(_schema(fresh)) == {*tables.metadata.tables, "alembic_version"}


def _schema(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert version == SCHEMA_HEAD
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted(str(index["name"]) for index in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }


def test_an_upgraded_store_is_opened_as_it_is(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'state.db'}")
    upgrade(engine)
    inventory = SqlInventory(open_database(f"sqlite:///{tmp_path / 'state.db'}"), "one")
    inventory.record(EDGE, [entry("a")], [])
    assert set(inventory.entries(EDGE)) == {"a"}


@pytest.mark.parametrize("bad", ["nonsense", "mysql+nowhere://x", "sqlite:////proc/none/state.db"])
def test_a_bad_url_is_a_store_error(bad: str) -> None:
    with pytest.raises(StoreError):
        open_database(bad)


def test_a_password_in_the_url_is_not_told() -> None:
    with pytest.raises(StoreError) as error:
        open_database("nowhere+x://user:canary-1f2e@host/db")
    assert "canary-1f2e" not in str(error.value)


def test_a_damaged_database_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"state\.db"):
        open_database(f"sqlite:///{path}")


def test_a_full_disk_is_a_store_error(tmp_path: Path) -> None:
    """A database that cannot grow is told as such, and what it held before is still there."""
    engine = open_database(url(tmp_path))
    inventory = SqlInventory(engine, "one")
    inventory.record(EDGE, [entry("a")], [])
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match="full"):
        inventory.record(EDGE, [entry(f"object-{number}") for number in range(5000)], [])
    assert set(inventory.entries(EDGE)) == {"a"}
