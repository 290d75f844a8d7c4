"""The StatusStore port over the tables."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Engine, bindparam, delete, insert, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import PassRecord, Revisions
from argos_gitops.store import tables
from argos_gitops.store.database import store_errors

KEPT_PASSES = 1000


class SqlStatusStore:
    """Revisions, conditions and the history of one instance."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def revisions(self) -> Revisions:
        table = tables.agent_state
        query = select(table.c.attempted, table.c.applied, table.c.applied_at, table.c.healthy)
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query.where(table.c.instance == self._instance)).first()
        return Revisions(row.attempted, row.applied, row.applied_at, row.healthy) if row else Revisions()

    def set_revisions(self, revisions: Revisions) -> None:
        self._set_state(
            attempted=revisions.attempted,
            applied=revisions.applied,
            applied_at=revisions.applied_at,
            healthy=revisions.healthy,
        )

    def reported(self) -> str | None:
        table = tables.agent_state
        query = select(table.c.reported).where(table.c.instance == self._instance)
        with store_errors(self._engine), self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def set_reported(self, fingerprint: str | None) -> None:
        self._set_state(reported=fingerprint)

    def conditions(self) -> Sequence[Condition]:
        return self._conditions(true())

    def exceptions(self) -> Sequence[Condition]:
        table = tables.conditions
        return self._conditions(or_(table.c.type != "Ready", table.c.status != Truth.TRUE.value))

    def _conditions(self, which: ColumnElement[bool]) -> Sequence[Condition]:
        table = tables.conditions
        query = select(table).where(table.c.instance == self._instance, which)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.subject, table.c.type)).all()
        return [
            Condition(
                ResourceKey.parse(row.subject),
                row.type,
                Truth(row.status),
                row.reason,
                row.message,
                row.since,
            )
            for row in rows
        ]

    def set_conditions(self, conditions: Sequence[Condition]) -> Sequence[Condition]:
        """Writes only what differs; one that repeats what was known keeps the time since when it holds."""
        known = {(condition.subject, condition.type): condition for condition in self.conditions()}
        kept = [
            _with_first_time(condition, known.get((condition.subject, condition.type)))
            for condition in conditions
        ]
        wanted = {(condition.subject, condition.type): condition for condition in kept}
        changed = [condition for key, condition in wanted.items() if known.get(key) != condition]
        gone = [known[key] for key in known if known[key] != wanted.get(key)]
        table = tables.conditions
        if changed or gone:
            with store_errors(self._engine), self._engine.begin() as connection:
                if gone:
                    one = (table.c.instance == self._instance, table.c.subject == bindparam("the_subject"))
                    both = delete(table).where(*one, table.c.type == bindparam("the_type"))
                    rows = [{"the_subject": str(c.subject), "the_type": c.type} for c in gone]
                    connection.execute(both, rows)
                if changed:
                    connection.execute(insert(table), [self._condition_row(each) for each in changed])
        return kept

    def add_pass(self, record: PassRecord) -> None:
        table = tables.passes
        values = {name: getattr(record, name) for name in PassRecord.__slots__}
        with store_errors(self._engine), self._engine.begin() as connection:
            number = connection.execute(
                insert(table).returning(table.c.id), [{"instance": self._instance} | values]
            ).scalar_one()
            old = delete(table).where(table.c.instance == self._instance, table.c.id <= number - KEPT_PASSES)
            connection.execute(old)

    def passes(self, limit: int) -> Sequence[PassRecord]:
        table = tables.passes
        query = (
            select(table).where(table.c.instance == self._instance).order_by(table.c.id.desc()).limit(limit)
        )
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [PassRecord(*(getattr(row, name) for name in PassRecord.__slots__)) for row in rows]

    def _set_state(self, **values: object) -> None:
        table = tables.agent_state
        with store_errors(self._engine), self._engine.begin() as connection:
            changed = connection.execute(
                update(table).where(table.c.instance == self._instance).values(**values)
            )
            if changed.rowcount == 0:
                connection.execute(insert(table), [{"instance": self._instance} | values])

    def _condition_row(self, condition: Condition) -> dict[str, object]:
        return {
            "instance": self._instance,
            "subject": str(condition.subject),
            "type": condition.type,
            "status": condition.status.value,
            "reason": condition.reason,
            "message": condition.message,
            "since": condition.since,
        }


def _with_first_time(condition: Condition, known: Condition | None) -> Condition:
    if known is None or known.status != condition.status:
        return condition
    return replace(condition, since=known.since)
