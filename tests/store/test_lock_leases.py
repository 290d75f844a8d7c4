"""Locks that a database keeps: one holder at a time, and a late one is refused."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.model.errors import TransientError
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.store.database import open_database
from argos_gitops.store.inventory import SqlInventory
from argos_gitops.store.lock_leases import LeaseHold, LeaseLocks
from argos_gitops.store.locks import FileLocks, open_locks
from tests.components.postgres import RealPostgres

EDGE = SystemKey(ResourceKey("Edge", "main"), "caddy")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = timedelta(0)
SHORT = timedelta(milliseconds=600)
LONG = timedelta(minutes=5)

# Holds a lock, says so, and goes on to write to the inventory when told; tells how that ended.
HOLD = """
import sys
from datetime import UTC, datetime, timedelta
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.store.database import open_database
from argos_gitops.store.inventory import SqlInventory
from argos_gitops.store.lock_leases import LeaseLocks
engine = open_database(sys.argv[1])
term = timedelta(seconds=float(sys.argv[2]))
edge = SystemKey(ResourceKey("Edge", "main"), "caddy")
with LeaseLocks(engine, "one", "other", term=term).hold("Edge/main") as hold:
    print("held", hold.fence, flush=True)
    sys.stdin.readline()
    entry = InventoryEntry("late", ResourceKey("Host", "a"), "d", False, "rev", datetime.now(UTC))
    try:
        SqlInventory(engine, "one").under(hold).record(edge, [entry], [])
        print("recorded", flush=True)
    except ArgosError as error:
        print(error.reason, flush=True)
"""

Locker = Callable[..., LeaseLocks]


@pytest.fixture
def locker(open_store: Callable[[], Engine]) -> Locker:
    """The locks of another process."""

    def make(replica: str, wait: timedelta = NEVER, term: timedelta = LONG) -> LeaseLocks:
        return LeaseLocks(open_store(), "one", replica, wait, term)

    return make


def entry(object_id: str) -> InventoryEntry:
    return InventoryEntry(object_id, ResourceKey("Host", "a"), "d", False, "rev", NOW)


def other_process(url: str, term: timedelta) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, url, str(term.total_seconds())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_held_name_is_refused_and_its_holder_named(locker: Locker) -> None:
    one, two = locker("one"), locker("two")
    with (
        one.hold("Edge/main"),
        two.hold("Edge/other"),
        pytest.raises(TransientError, match="replica one") as error,
        two.hold("Edge/main"),
    ):
        pass
    assert error.value.reason == "Locked"


def test_the_fence_grows_with_each_holder(locker: Locker) -> None:
    fences = []
    for replica in (locker("one"), locker("two"), locker("one")):
        with replica.hold("Edge/main") as hold:
            hold.verify()
            fences.append(hold.fence)
        with pytest.raises(TransientError):
            hold.verify()
    assert fences == [1, 2, 3]


def test_whoever_waits_gets_it_when_it_is_given_back(locker: Locker) -> None:
    waiting = locker("two", wait=timedelta(minutes=1))
    got = threading.Event()

    def wait() -> None:
        with waiting.hold("Edge/main"):
            got.set()

    with locker("one").hold("Edge/main"):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.wait(0.3)
    thread.join()
    assert got.is_set()


def test_two_threads_of_one_process_exclude_each_other(locker: Locker) -> None:
    locks = locker("one")
    with (
        locks.hold("Edge/main"),
        pytest.raises(TransientError, match="replica one"),
        locks.hold("Edge/main"),
    ):
        pass


def test_it_is_renewed_for_as_long_as_it_is_held(locker: Locker) -> None:
    """Longer than its term, and nobody else gets it meanwhile."""
    with locker("one", term=SHORT).hold("Edge/main") as hold:
        until = time.monotonic() + 3 * SHORT.total_seconds()
        while time.monotonic() < until:
            with pytest.raises(TransientError), locker("two").hold("Edge/main"):
                pass
            time.sleep(0.1)
        hold.verify()


def test_fm15_kill_9_of_the_holder_frees_the_lock_after_its_term(database_url: str, locker: Locker) -> None:
    """Nobody has to delete anything; and the next holder's fence is greater."""
    with other_process(database_url, SHORT) as holder:
        assert said(holder) == "held 1"
        os.kill(holder.pid, signal.SIGKILL)
    with locker("two", wait=timedelta(minutes=1)).hold("Edge/main") as hold:
        assert hold.fence == 2


def test_a_paused_holder_can_neither_write_nor_believe_that_it_did(
    database_url: str, locker: Locker, open_store: Callable[[], Engine]
) -> None:
    """Stopped while it held the lock, woken when another has it: its write is refused whole."""
    inventory = SqlInventory(open_store(), "one")
    with other_process(database_url, SHORT) as holder:
        assert said(holder) == "held 1"
        os.kill(holder.pid, signal.SIGSTOP)
        with locker("two", wait=timedelta(minutes=1)).hold("Edge/main") as hold:
            inventory.under(hold).record(EDGE, [entry("new")], [])
            os.kill(holder.pid, signal.SIGCONT)
            tell(holder)
            assert said(holder) == "LeaseLost"
            inventory.under(hold).record(EDGE, [entry("newer")], [])
    assert set(inventory.entries(EDGE)) == {"new", "newer"}


def test_a_late_write_is_refused_also_by_the_database(
    locker: Locker, open_store: Callable[[], Engine]
) -> None:
    """Even where the holder's own clock says nothing: it was paused between asking it and writing."""
    inventory = SqlInventory(open_store(), "one")
    with locker("one").hold("Edge/main") as first:
        believed = LeaseHold("Edge/main", first.fence, until=math.inf)
    late = inventory.under(believed)
    writes: list[Callable[[], None]] = [
        lambda: late.record(EDGE, [entry("late")], ["new"]),
        lambda: late.set_converged(EDGE, None),
        lambda: late.remember_system(EDGE, b"{}"),
        lambda: late.forget_system(EDGE),
    ]
    with locker("two").hold("Edge/main") as second:
        inventory.under(second).record(EDGE, [entry("new")], [])
        for write in writes:
            with pytest.raises(TransientError) as error:
                write()
            assert error.value.reason == "LeaseLost"
    assert set(inventory.entries(EDGE)) == {"new"}
    assert inventory.systems() == {}


def test_a_hold_is_lost_when_the_database_stays_away(make_postgres: Callable[..., RealPostgres]) -> None:
    """After a whole term without a renewal, and it says why; it is ours again if nobody took it."""
    server = make_postgres()
    engine = open_database(server.new_database())
    with LeaseLocks(engine, "one", "a", term=SHORT).hold("Edge/main") as hold:
        server.kill()
        _await(lambda: _lost(hold.verify))
        with pytest.raises(TransientError, match=r"Edge/main.*failed") as error:
            hold.verify()
        assert error.value.reason == "LeaseLost"
        server.start()
        _await(lambda: not _lost(hold.verify))
    engine.dispose()


def test_the_store_chooses_the_locks(tmp_path: Path, store: Engine, database_url: str) -> None:
    """Beside a SQLite file those of the operating system, which die with their process at once."""
    locks = open_locks(store, "one", "a", tmp_path)
    assert type(locks) is (FileLocks if database_url.startswith("sqlite") else LeaseLocks)


def _lost(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except TransientError:
        return True
    return False


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
