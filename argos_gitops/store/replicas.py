"""The Replicas port over the tables: one JSON document a replica, each the newest."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Engine, delete, select

from argos_gitops.ports.health import Replica, Subsystem
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import database_now, upsert
from argos_gitops.store.tables import replicas

_REMEMBERED = timedelta(hours=1)


class SqlReplicas:
    """The replicas of one instance."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def beat(self, replica: Replica) -> None:
        with store_errors(self._engine), self._engine.begin() as connection:
            key = {"instance": self._instance, "name": replica.name}
            now = database_now(connection)
            upsert(connection, replicas, key, {"seen_at": now, "document": _dump(replica)})

    def all(self) -> Sequence[Replica]:
        query = select(replicas).where(replicas.c.instance == self._instance).order_by(replicas.c.name)
        with store_errors(self._engine), self._engine.connect() as connection:
            recent = replicas.c.seen_at > database_now(connection) - _REMEMBERED
            rows = connection.execute(query.where(recent)).all()
        return [_load(row.name, row.seen_at, row.document) for row in rows]

    def now(self) -> datetime:
        with store_errors(self._engine), self._engine.connect() as connection:
            return database_now(connection)

    def forget(self, name: str) -> None:
        """Forgets it, and all that were not seen for an hour."""
        mine = replicas.c.instance == self._instance
        with store_errors(self._engine), self._engine.begin() as connection:
            old = replicas.c.seen_at <= database_now(connection) - _REMEMBERED
            connection.execute(delete(replicas).where(mine, (replicas.c.name == name) | old))


def _dump(replica: Replica) -> bytes:
    return orjson.dumps(
        {
            "targets": replica.targets,
            "subsystems": replica.subsystems,
            "started_at": replica.started_at,
            "version": replica.version,
        }
    )


def _load(name: str, seen_at: datetime, document: bytes) -> Replica:
    known = orjson.loads(document)
    return Replica(
        name,
        seen_at,
        tuple(known["targets"]),
        tuple(_subsystem(each) for each in known["subsystems"]),
        _moment(known["started_at"]),
        known["version"],
    )


def _subsystem(known: dict[str, Any]) -> Subsystem:
    moments = {name: _moment(known[name]) for name in ("last_run", "last_success", "next_run")}
    return Subsystem(**known | moments)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
