"""The Leases port over the tables: each replica renews its share, and whoever comes by divides anew."""

from collections.abc import Collection, Mapping
from datetime import timedelta

import orjson
from sqlalchemy import Connection, Engine, Table, delete, select
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.planning.spread import spread
from argos_gitops.store.database import store_errors
from argos_gitops.store.elapsed import elapsed
from argos_gitops.store.statements import count_up, database_now, upsert
from argos_gitops.store.tables import leases, shares

TERM = timedelta(seconds=9)
"""How long a share lasts without being renewed; three times as long as the usual time between calls."""

_TURN = "shares"


class SqlLeases:
    """The share of `replica` in the targets of `instance`. One thread calls `share`, any may ask `held`.

    A replica is alive until its share has run out by the database's clock; its own clock, which no
    pause stops, makes it give up earlier. A target of the living moves only by the hand of its holder.
    """

    def __init__(self, engine: Engine, instance: str, replica: str, term: timedelta = TERM) -> None:
        self._engine = engine
        self._instance = instance
        self._replica = replica
        self._term = term
        self._held: tuple[float, frozenset[str]] = (0.0, frozenset())

    def share(self, targets: Collection[str]) -> frozenset[str]:
        begun = elapsed()
        with store_errors(self._engine), self._engine.begin() as connection:
            count_up(connection, self._instance, _TURN)
            wishes = self._wishes(connection, targets)
            mine = self._divide(connection, wishes)
        self._held = (begun + self._term.total_seconds(), mine)
        return mine

    def held(self) -> frozenset[str]:
        until, targets = self._held
        return targets if elapsed() < until else frozenset()

    def release(self) -> None:
        self._held = (0.0, frozenset())
        with store_errors(self._engine), self._engine.begin() as connection:
            count_up(connection, self._instance, _TURN)
            connection.execute(delete(shares).where(self._ours(shares), shares.c.replica == self._replica))
            connection.execute(delete(leases).where(self._ours(leases), leases.c.holder == self._replica))

    def _wishes(self, connection: Connection, targets: Collection[str]) -> dict[str, frozenset[str]]:
        """Renews our own share; gives back what each living replica may work on."""
        now = database_now(connection)
        values = {"targets": orjson.dumps(sorted(targets)), "expires_at": now + self._term}
        upsert(connection, shares, {"instance": self._instance, "replica": self._replica}, values)
        connection.execute(delete(shares).where(self._ours(shares), shares.c.expires_at <= now))
        rows = connection.execute(select(shares.c.replica, shares.c.targets).where(self._ours(shares)))
        return {row.replica: frozenset(orjson.loads(row.targets)) for row in rows}

    def _divide(self, connection: Connection, wishes: Mapping[str, Collection[str]]) -> frozenset[str]:
        """Moves what is free, or ours, to where it belongs; gives back what is ours then."""
        rows = connection.execute(select(leases.c.target, leases.c.holder).where(self._ours(leases)))
        known = {row.target: row.holder for row in rows}
        living = {target: holder for target, holder in known.items() if holder in wishes}
        division = spread(wishes, living)
        fixed = {target: holder for target, holder in living.items() if holder != self._replica}
        division |= fixed
        for target in known.keys() - division.keys():
            connection.execute(delete(leases).where(self._ours(leases), leases.c.target == target))
        for target in sorted(target for target in division if known.get(target) != division[target]):
            key = {"instance": self._instance, "target": target}
            upsert(connection, leases, key, {"holder": division[target]})
        return frozenset(target for target, holder in division.items() if holder == self._replica)

    def _ours(self, table: Table) -> ColumnElement[bool]:
        return table.c.instance == self._instance
