"""The StatusStore port over the tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, Row, bindparam, delete, insert, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.condition import Condition, Truth, worst
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import PassRecord, ResourceState, Revisions, SourceState, TargetState, Untold
from argos_gitops.store import tables
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import upsert

KEPT_PASSES = 1000
EARLIER = ""
"""The target of conditions that were kept before conditions belonged to targets."""


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

    def move_revisions(self, known: Revisions, revisions: Revisions) -> None:
        wanted = {name: getattr(revisions, name) for name in Revisions.__slots__}
        moved = {name: value for name, value in wanted.items() if value != getattr(known, name)}
        if moved:
            self._set_state(**moved)

    def source(self) -> SourceState:
        table = tables.agent_state
        query = select(table.c.result, table.c.message, table.c.synced)
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query.where(table.c.instance == self._instance)).first()
        return SourceState(row.result or "", row.message or "", row.synced or 0) if row else SourceState()

    def set_source(self, state: SourceState) -> None:
        self._set_state(result=state.result, message=state.message, synced=state.synced)

    def targets(self) -> Mapping[ResourceKey, TargetState]:
        table = tables.targets
        passed = (table.c.instance == self._instance, table.c.at.is_not(None))
        query = select(table).where(*passed).order_by(table.c.target)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        names = TargetState.__slots__
        return {
            ResourceKey.parse(row.target): TargetState(*(getattr(row, name) for name in names))
            for row in rows
        }

    def set_target(self, target: ResourceKey, state: TargetState) -> None:
        self._set_row(str(target), {name: getattr(state, name) for name in TargetState.__slots__})

    def keep_targets(self, targets: Collection[ResourceKey]) -> None:
        """Forgets all other targets, with their conditions and resources."""
        kept = [str(target) for target in targets]
        with store_errors(self._engine), self._engine.begin() as connection:
            for table in (tables.targets, tables.conditions, tables.resources):
                ours = table.c.instance == self._instance
                connection.execute(delete(table).where(ours, table.c.target.not_in([*kept, EARLIER])))

    def resources_of(self, target: ResourceKey) -> Mapping[ResourceKey, ResourceState]:
        return self._resources(tables.resources.c.target == str(target))

    def held_resources(self) -> Mapping[ResourceKey, ResourceState]:
        return self._resources(tables.resources.c.held != "")

    def _resources(self, which: ColumnElement[bool]) -> Mapping[ResourceKey, ResourceState]:
        table = tables.resources
        query = select(table).where(table.c.instance == self._instance, which)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        names = ResourceState.__slots__
        return {
            ResourceKey.parse(row.resource): ResourceState(*(getattr(row, name) for name in names))
            for row in rows
        }

    def set_resource(self, target: ResourceKey, resource: ResourceKey, state: ResourceState) -> None:
        key = {"instance": self._instance, "target": str(target), "resource": str(resource)}
        values = {name: getattr(state, name) for name in ResourceState.__slots__}
        with store_errors(self._engine), self._engine.begin() as connection:
            upsert(connection, tables.resources, key, values)

    def reported(self, scope: str) -> str | None:
        table = tables.targets
        query = select(table.c.reported).where(table.c.instance == self._instance, table.c.target == scope)
        with store_errors(self._engine), self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def set_reported(self, scope: str, fingerprint: str | None) -> None:
        """Keeps it; None forgets that of every scope, as there is news."""
        table = tables.targets
        if fingerprint is not None:
            self._set_row(scope, {"reported": fingerprint})
            return
        known = update(table).where(table.c.instance == self._instance, table.c.reported.is_not(None))
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(known.values(reported=None))

    def untold(self) -> Mapping[str, Untold]:
        table = tables.reporters
        query = select(table).where(table.c.instance == self._instance).order_by(table.c.reporter)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.reporter: Untold(row.reason, row.message, row.since) for row in rows}

    def set_untold(self, reporter: str, state: Untold | None) -> None:
        table = tables.reporters
        key = {"instance": self._instance, "reporter": reporter}
        known = delete(table).where(table.c.instance == self._instance, table.c.reporter == reporter)
        with store_errors(self._engine), self._engine.begin() as connection:
            if state is None:
                connection.execute(known)
            else:
                values = {name: getattr(state, name) for name in Untold.__slots__}
                upsert(connection, table, key, values)

    def conditions(self) -> Sequence[Condition]:
        return worst(self._conditions(true()).values())

    def conditions_of(self, subject: ResourceKey) -> Sequence[Condition]:
        found = self._conditions(tables.conditions.c.subject == str(subject))
        return worst(found.values())

    def exceptions(self) -> Sequence[Condition]:
        table = tables.conditions
        found = self._conditions(or_(table.c.type != "Ready", table.c.status != Truth.TRUE.value))
        return worst(found.values())

    def _conditions(self, which: ColumnElement[bool]) -> dict[str, list[Condition]]:
        table = tables.conditions
        query = select(table).where(table.c.instance == self._instance, which)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.subject, table.c.type)).all()
        found: dict[str, list[Condition]] = {}
        for row in rows:
            found.setdefault(row.target, []).append(_condition(row))
        return found

    def set_conditions(
        self, conditions: Mapping[ResourceKey, Sequence[Condition]]
    ) -> Mapping[ResourceKey, Sequence[Condition]]:
        """Writes only what differs; one that repeats what was known keeps the time since when it holds."""
        known = self._conditions(true())
        earlier = known.pop(EARLIER, [])
        kept = {ResourceKey.parse(target): tuple(found) for target, found in known.items()}
        for target, found in conditions.items():
            before = known.get(str(target), [])
            kept[target] = _with_first_times(found, [*earlier, *before])
            self._replace(str(target), before, kept[target])
        if earlier:
            self._replace(EARLIER, earlier, ())
        return kept

    def _replace(self, target: str, known: Sequence[Condition], wanted: Sequence[Condition]) -> None:
        before, after = _by_identity(known), _by_identity(wanted)
        gone = [before[key] for key in before if before[key] != after.get(key)]
        changed = [after[key] for key in after if before.get(key) != after[key]]
        table = tables.conditions
        one = (table.c.instance == self._instance, table.c.target == target)
        both = (table.c.subject == bindparam("the_subject"), table.c.type == bindparam("the_type"))
        if not (gone or changed):
            return
        with store_errors(self._engine), self._engine.begin() as connection:
            if gone:
                rows = [{"the_subject": str(c.subject), "the_type": c.type} for c in gone]
                connection.execute(delete(table).where(*one, *both), rows)
            if changed:
                connection.execute(insert(table), [self._condition_row(target, each) for each in changed])

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
        with store_errors(self._engine), self._engine.begin() as connection:
            upsert(connection, tables.agent_state, {"instance": self._instance}, values)

    def _set_row(self, target: str, values: dict[str, object]) -> None:
        """The row of a target, or of a scope that only remembers what it reported."""
        key = {"instance": self._instance, "target": target}
        first = {"result": "", "message": "", "synced": 0}
        with store_errors(self._engine), self._engine.begin() as connection:
            upsert(connection, tables.targets, key, values, first)

    def _condition_row(self, target: str, condition: Condition) -> dict[str, object]:
        return {
            "instance": self._instance,
            "target": target,
            "subject": str(condition.subject),
            "type": condition.type,
            "status": condition.status.value,
            "reason": condition.reason,
            "message": condition.message,
            "since": condition.since,
        }


def _condition(row: Row[Any]) -> Condition:
    subject = ResourceKey.parse(row.subject)
    return Condition(subject, row.type, Truth(row.status), row.reason, row.message, row.since)


def _by_identity(conditions: Sequence[Condition]) -> dict[tuple[ResourceKey, str], Condition]:
    return {(condition.subject, condition.type): condition for condition in conditions}


def _with_first_times(conditions: Sequence[Condition], known: Sequence[Condition]) -> tuple[Condition, ...]:
    before = _by_identity(known)
    return tuple(_with_first_time(each, before.get((each.subject, each.type))) for each in conditions)


def _with_first_time(condition: Condition, known: Condition | None) -> Condition:
    if known is None or known.status != condition.status:
        return condition
    return replace(condition, since=known.since)
