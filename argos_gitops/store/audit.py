"""The AuditLog port over the tables."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.ports.audit import AuditEntry, AuditQuery
from argos_gitops.store.database import store_errors
from argos_gitops.store.tables import audit

_NAMES = tuple(field.name for field in fields(AuditEntry))
_EXACT = ("actor", "action", "subject", "target", "outcome")


class SqlAuditLog:
    """The entries of one instance. Nothing changes an entry; only `forget` removes any, the oldest."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """All of them, or none."""
        if not entries:
            return
        rows = [{"instance": self._instance} | asdict(entry) for entry in entries]
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(insert(audit), rows)

    def entries(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """The newest first. A `*` stands for any characters, and a revision may be shortened."""
        chosen = select(audit).where(audit.c.instance == self._instance, *_conditions(query))
        ordered = chosen.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(query.limit)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(ordered).all()
        return [AuditEntry(**{name: getattr(row, name) for name in _NAMES}) for row in rows]

    def forget(self, before: datetime) -> int:
        old = delete(audit).where(audit.c.instance == self._instance, audit.c.at < before)
        with store_errors(self._engine), self._engine.begin() as connection:
            return connection.execute(old).rowcount


def _conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    found = [_matches(name, str(getattr(query, name))) for name in _EXACT if getattr(query, name)]
    if query.revision:
        found.append(_matches("revision", f"{query.revision}*"))
    if query.since is not None:
        found.append(audit.c.at >= query.since)
    if query.until is not None:
        found.append(audit.c.at < query.until)
    return found


def _matches(name: str, value: str) -> ColumnElement[bool]:
    if "*" not in value:
        return audit.c[name] == value
    literal = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return audit.c[name].like(literal.replace("*", "%"), escape="\\")
