"""The Locks port over the tables: a lock that a database keeps, for as long as it is renewed.

Each taking of a name counts its fence up. Whoever holds it renews it from a thread; whoever does not
any more is told by `verify`, and refused by the database where it writes beside the fence (inventory).
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.errors import StoreError, TransientError
from argos_gitops.ports.lock import Hold
from argos_gitops.store.database import store_errors
from argos_gitops.store.elapsed import elapsed
from argos_gitops.store.locks import PATIENCE
from argos_gitops.store.statements import database_now, inserting
from argos_gitops.store.tables import locks
from argos_gitops.supervision.supervised import SupervisedThread

TERM = timedelta(seconds=9)
"""How long a lock lasts without being renewed."""

_RENEWALS_A_TERM = 3
_POLL_SECONDS = 0.2


class LeaseLocks:
    """The locks of one replica of `instance`, in the database that all replicas share."""

    def __init__(
        self,
        engine: Engine,
        instance: str,
        replica: str,
        wait: timedelta = PATIENCE,
        term: timedelta = TERM,
    ) -> None:
        self._engine = engine
        self._instance = instance
        self._replica = replica
        self._wait = wait
        self._term = term
        self._renewals = _Renewals(self._renew, term / _RENEWALS_A_TERM)

    @contextmanager
    def hold(self, name: str) -> Iterator[Hold]:
        """Waits a while for `name`; TransientError (reason Locked) names the replica that keeps it."""
        hold = self._acquire(name)
        self._renewals.add(hold)
        try:
            yield hold
        finally:
            self._renewals.remove(hold)
            hold.lost()
            with suppress(StoreError):  # it runs out by itself
                self._release(hold)

    def _acquire(self, name: str) -> "LeaseHold":
        deadline = elapsed() + self._wait.total_seconds()
        while True:
            hold, holder = self._take(name)
            if hold is not None:
                return hold
            if elapsed() >= deadline:
                raise TransientError(
                    f"{name} is held by the replica {holder}; wait until it has finished", reason="Locked"
                )
            time.sleep(_POLL_SECONDS)

    def _take(self, name: str) -> "tuple[LeaseHold | None, str]":
        """The lock if it is free or ran out; else who holds it."""
        begun = elapsed()
        with store_errors(self._engine), self._engine.begin() as connection:
            now = database_now(connection)
            values = {"holder": self._replica, "expires_at": now + self._term}
            free = inserting(connection, locks).values(instance=self._instance, name=name, fence=1, **values)
            taken = free.on_conflict_do_update(
                index_elements=["instance", "name"],
                set_=values | {"fence": locks.c.fence + 1},
                where=locks.c.expires_at <= now,
            )
            fence = connection.execute(taken.returning(locks.c.fence)).scalar()
            if fence is None:
                return None, self._holder(connection, name)
        return LeaseHold(name, fence, begun + self._term.total_seconds()), self._replica

    def _renew(self, holds: "Sequence[LeaseHold]") -> None:
        """Renews all at once; each hold learns whether it was."""
        begun = elapsed()
        try:
            confirmed = self._renewed([hold.name for hold in holds])
        except StoreError as error:
            for hold in holds:
                hold.trouble = str(error)
            return
        for hold in holds:
            if (hold.name, hold.fence) in confirmed:
                hold.renewed(begun + self._term.total_seconds())
            else:
                hold.lost()

    def _renewed(self, names: Sequence[str]) -> set[tuple[str, int]]:
        with store_errors(self._engine), self._engine.begin() as connection:
            longer = update(locks).where(self._ours, locks.c.name.in_(names))
            until = database_now(connection) + self._term
            rows = connection.execute(longer.values(expires_at=until).returning(locks.c.name, locks.c.fence))
            return {(row.name, row.fence) for row in rows}

    def _release(self, hold: "LeaseHold") -> None:
        with store_errors(self._engine), self._engine.begin() as connection:
            mine = update(locks).where(self._ours, locks.c.name == hold.name, locks.c.fence == hold.fence)
            connection.execute(mine.values(holder="", expires_at=database_now(connection)))

    def _holder(self, connection: Connection, name: str) -> str:
        query = select(locks.c.holder).where(locks.c.instance == self._instance, locks.c.name == name)
        return connection.execute(query).scalar() or "unknown"

    @property
    def _ours(self) -> ColumnElement[bool]:
        return (locks.c.instance == self._instance) & (locks.c.holder == self._replica)


class LeaseHold:
    """One taking of a name, sure until `until` (as `elapsed` counts) and longer with each renewal."""

    def __init__(self, name: str, fence: int, until: float) -> None:
        self.name = name
        self.trouble = ""
        self._fence = fence
        self._until = until

    @property
    def fence(self) -> int:
        return self._fence

    def verify(self) -> None:
        if elapsed() >= self._until:
            why = self.trouble or "it was not renewed in time, or somebody else took it"
            raise TransientError(f"the lock of {self.name} is not surely ours: {why}", reason="LeaseLost")

    def renewed(self, until: float) -> None:
        self._until, self.trouble = until, ""

    def lost(self) -> None:
        self._until = 0.0


class _Renewals:
    """One thread that renews whatever is held, and ends soon after nothing is."""

    def __init__(self, renew: Callable[[Sequence[LeaseHold]], None], pause: timedelta) -> None:
        self._renew = renew
        self._pause = pause.total_seconds()
        self._lock = threading.Lock()
        self._holds: set[LeaseHold] = set()
        self._thread: SupervisedThread | None = None

    def add(self, hold: LeaseHold) -> None:
        with self._lock:
            self._holds.add(hold)
            if self._thread is None:
                thread = self._thread = SupervisedThread(
                    "lock-renewal", self._run, lambda: self._thread is not thread
                )
                try:
                    thread.start()
                except RuntimeError:  # no more threads: the next lock tries again
                    self._thread = None
                    raise

    def remove(self, hold: LeaseHold) -> None:
        with self._lock:
            self._holds.discard(hold)

    def _run(self) -> None:
        while True:
            time.sleep(self._pause)
            with self._lock:
                holds = tuple(self._holds)
                if not holds:
                    self._thread = None
                    return
            self._renew(holds)
