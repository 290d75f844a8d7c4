"""The Inventory port over the tables."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, Table, and_, delete, insert, select
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import Converged
from argos_gitops.store import tables
from argos_gitops.store.database import store_errors

_BATCH = 500
"""Ids in one DELETE: below the number of parameters that every database takes."""


class SqlInventory:
    """What this instance applied, by system."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def entries(self, system: SystemKey) -> Mapping[str, InventoryEntry]:
        query = select(tables.inventory).where(self._of(tables.inventory, system))
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {
            row.object_id: InventoryEntry(
                row.object_id,
                ResourceKey.parse(row.owner),
                row.digest,
                row.protected,
                row.revision,
                row.applied_at,
            )
            for row in rows
        }

    def record(self, system: SystemKey, applied: Sequence[InventoryEntry], removed: Sequence[str]) -> None:
        """Keeps `applied` and forgets `removed`, in one transaction."""
        ids = [entry.object_id for entry in applied] + list(removed)
        if not ids:
            return
        table = tables.inventory
        with store_errors(self._engine), self._engine.begin() as connection:
            for start in range(0, len(ids), _BATCH):
                chosen = table.c.object_id.in_(ids[start : start + _BATCH])
                connection.execute(delete(table).where(self._of(table, system), chosen))
            if applied:
                connection.execute(insert(table), [self._row(system, entry) for entry in applied])

    def converged(self, system: SystemKey) -> Converged | None:
        query = select(tables.converged).where(self._of(tables.converged, system))
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Converged(row.desired, row.live, row.until) if row else None

    def set_converged(self, system: SystemKey, state: Converged | None) -> None:
        table = tables.converged
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(table).where(self._of(table, system)))
            if state is not None:
                values = {"desired": state.desired, "live": state.live, "until": state.until}
                connection.execute(insert(table), [self._key(system) | values])

    def systems(self) -> Mapping[SystemKey, bytes]:
        table = tables.systems
        query = select(table).where(table.c.instance == self._instance)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.target, table.c.provider)).all()
        return {SystemKey(ResourceKey.parse(row.target), row.provider): row.document for row in rows}

    def remember_system(self, system: SystemKey, document: bytes) -> None:
        table = tables.systems
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(table).where(self._of(table, system)))
            connection.execute(insert(table), [self._key(system) | {"document": document}])

    def forget_system(self, system: SystemKey) -> None:
        with store_errors(self._engine), self._engine.begin() as connection:
            for table in (tables.systems, tables.converged):
                connection.execute(delete(table).where(self._of(table, system)))

    def _key(self, system: SystemKey) -> dict[str, object]:
        return {"instance": self._instance, "target": str(system.target), "provider": system.provider}

    def _of(self, table: Table, system: SystemKey) -> ColumnElement[bool]:
        return and_(*(table.c[name] == value for name, value in self._key(system).items()))

    def _row(self, system: SystemKey, entry: InventoryEntry) -> dict[str, object]:
        return self._key(system) | {
            "object_id": entry.object_id,
            "owner": str(entry.owner),
            "digest": entry.digest,
            "protected": entry.protected,
            "revision": entry.revision,
            "applied_at": entry.applied_at,
        }
