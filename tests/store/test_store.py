"""The store on both databases: what is kept comes back, what is broken is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import StoreError
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import Converged, PassRecord, Revisions
from argos_gitops.store.database import open_database
from argos_gitops.store.inventory import SqlInventory
from argos_gitops.store.status import SqlStatusStore

EDGE = SystemKey(ResourceKey("Edge", "main"), "caddy")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'deep' / 'state.db'}"


def entry(object_id: str, digest: str = "d") -> InventoryEntry:
    return InventoryEntry(object_id, ResourceKey("Host", "a"), digest, False, "rev", NOW)


def test_inventory_survives_a_restart(open_store: Callable[[], Engine]) -> None:
    """Entries, memos and remembered systems come back in a new process, aware of their time zone."""
    first = SqlInventory(open_store(), "one")
    first.record(EDGE, [entry("a"), entry("b")], [])
    first.record(EDGE, [entry("a", "new")], ["b"])
    first.set_converged(EDGE, Converged("d", "l", NOW))
    first.remember_system(EDGE, b"{}")
    again = SqlInventory(open_store(), "one")
    assert again.entries(EDGE) == {"a": entry("a", "new")}
    assert again.converged(EDGE) == Converged("d", "l", NOW)
    assert again.systems() == {EDGE: b"{}"}
    again.forget_system(EDGE)
    assert (again.systems(), again.converged(EDGE)) == ({}, None)


def test_two_processes_see_what_the_other_wrote(open_store: Callable[[], Engine]) -> None:
    """What is kept in memory is believed only as long as nobody else has written."""
    one = SqlInventory(open_store(), "one")
    two = SqlInventory(open_store(), "one")
    for number, (writer, reader) in enumerate([(one, two), (two, one), (one, two), (one, one)]):
        writer.record(EDGE, [entry("a", f"digest {number}"), entry(f"new {number}")], [f"new {number - 1}"])
        assert reader.entries(EDGE) == writer.entries(EDGE)
        assert set(reader.entries(EDGE)) == {"a", f"new {number}"}
        assert reader.entries(EDGE)["a"].digest == f"digest {number}"


def test_instances_do_not_see_each_other(store: Engine) -> None:
    SqlInventory(store, "one").record(EDGE, [entry("a")], [])
    SqlStatusStore(store, "one").move_revisions(Revisions(), Revisions(attempted="x"))
    assert SqlInventory(store, "two").entries(EDGE) == {}
    assert SqlStatusStore(store, "two").revisions() == Revisions()


def test_what_another_pass_moved_meanwhile_stays(store: Engine) -> None:
    """One pass knew the revisions, another one moved `applied`, then the first writes what it moved."""
    statuses = SqlStatusStore(store, "one")
    statuses.move_revisions(Revisions(), Revisions(attempted="a", applied="a"))
    known = statuses.revisions()
    statuses.move_revisions(known, replace(known, attempted="b", applied="b"))
    statuses.move_revisions(known, replace(known, attempted="b"))
    assert statuses.revisions() == Revisions(attempted="b", applied="b")


def test_many_entries_at_once(store: Engine) -> None:
    """More ids than a database takes parameters."""
    inventory = SqlInventory(store, "one")
    many = [entry(f"object-{number}") for number in range(2500)]
    inventory.record(EDGE, many, [])
    inventory.record(EDGE, many[:10], [each.object_id for each in many[10:]])
    assert len(inventory.entries(EDGE)) == 10


def test_a_condition_keeps_the_time_of_its_change(store: Engine) -> None:
    """A reason may change; only another status is another moment."""
    statuses = SqlStatusStore(store, "one")
    subject = ResourceKey("Host", "a")
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.FALSE, "A", "", NOW)]})
    later = NOW + timedelta(hours=1)
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.FALSE, "B", "", later)]})
    assert statuses.conditions() == [Condition(subject, "Ready", Truth.FALSE, "B", "", NOW)]
    statuses.set_conditions({EDGE.target: [Condition(subject, "Ready", Truth.TRUE, "B", "", later)]})
    assert statuses.conditions()[0].since == later


def test_history_is_newest_first(store: Engine) -> None:
    statuses = SqlStatusStore(store, "one")
    for number in range(5):
        statuses.add_pass(PassRecord(NOW, f"rev{number}", "s", "Applied", "", ""))
    assert [record.revision for record in statuses.passes(2)] == ["rev4", "rev3"]


@pytest.mark.parametrize(
    "bad", ["nonsense", "mysql+nowhere://x", "mysql://x", "sqlite:////proc/none/state.db"]
)
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
