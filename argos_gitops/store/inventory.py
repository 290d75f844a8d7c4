"""The Inventory port over the tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy

from sqlalchemy import Connection, Engine, Table, and_, delete, insert, select
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.errors import TransientError
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.lock import Hold
from argos_gitops.ports.store import Converged
from argos_gitops.store import tables
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import inserting

_BATCH = 500
"""Ids in one DELETE: below the number of parameters that every database takes."""


class SqlInventory:
    """What this instance applied, by system.

    A system's entries are kept in memory with the generation that each `record` counts up, so that a
    process that lives on reads 10,000 rows again only if another process wrote meanwhile.
    """

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        self._known: dict[SystemKey, tuple[int, dict[str, InventoryEntry]]] = {}
        self._hold: Hold | None = None

    def under(self, hold: Hold) -> "SqlInventory":
        """The same memory and rows, written to under `hold`: the lock of the systems' target."""
        guarded = copy(self)
        guarded._hold = hold  # noqa: SLF001 # of our own class
        return guarded

    def entries(self, system: SystemKey) -> Mapping[str, InventoryEntry]:
        """The entries as they are now; a later `record` does not change what was given out."""
        with store_errors(self._engine), self._engine.connect() as connection:
            number = self._generation(connection, system)
            known = self._known.get(system)
            if known is None or known[0] != number:
                known = self._known[system] = (number, self._read(connection, system))
        return known[1]

    def record(self, system: SystemKey, applied: Sequence[InventoryEntry], removed: Sequence[str]) -> None:
        """Keeps `applied` and forgets `removed`, in one transaction."""
        ids = [entry.object_id for entry in applied] + list(removed)
        if not ids:
            return
        table = tables.inventory
        with self._writing(system) as connection:
            number = self._next_generation(connection, system)
            for start in range(0, len(ids), _BATCH):
                chosen = table.c.object_id.in_(ids[start : start + _BATCH])
                connection.execute(delete(table).where(self._of(table, system), chosen))
            if applied:
                connection.execute(insert(table), [self._row(system, entry) for entry in applied])
        known = self._known.pop(system, None)
        if known is not None and known[0] == number - 1:
            gone = set(removed)
            entries = {key: entry for key, entry in known[1].items() if key not in gone}
            entries |= {entry.object_id: entry for entry in applied}
            self._known[system] = (number, entries)

    def _generation(self, connection: Connection, system: SystemKey) -> int:
        table = tables.generations
        return connection.execute(select(table.c.number).where(self._of(table, system))).scalar() or 0

    def _next_generation(self, connection: Connection, system: SystemKey) -> int:
        table = tables.generations
        first = inserting(connection, table).values(**self._key(system), number=1)
        counted = first.on_conflict_do_update(
            index_elements=list(self._key(system)), set_={"number": table.c.number + 1}
        )
        return int(connection.execute(counted.returning(table.c.number)).scalar_one())

    def _read(self, connection: Connection, system: SystemKey) -> dict[str, InventoryEntry]:
        table = tables.inventory
        return {
            row.object_id: InventoryEntry(
                row.object_id,
                ResourceKey.parse(row.owner),
                row.digest,
                row.protected,
                row.revision,
                row.applied_at,
            )
            for row in connection.execute(select(table).where(self._of(table, system)))
        }

    def converged(self, system: SystemKey) -> Converged | None:
        query = select(tables.converged).where(self._of(tables.converged, system))
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Converged(row.desired, row.live, row.until) if row else None

    def set_converged(self, system: SystemKey, state: Converged | None) -> None:
        table = tables.converged
        with self._writing(system) as connection:
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
        with self._writing(system) as connection:
            connection.execute(delete(table).where(self._of(table, system)))
            connection.execute(insert(table), [self._key(system) | {"document": document}])

    def forget_system(self, system: SystemKey) -> None:
        with self._writing(system) as connection:
            for table in (tables.systems, tables.converged):
                connection.execute(delete(table).where(self._of(table, system)))

    @contextmanager
    def _writing(self, system: SystemKey) -> Iterator[Connection]:
        """One transaction that is kept only if the lock, where there is one, is still ours at its end."""
        if self._hold is not None:
            self._hold.verify()
        with store_errors(self._engine), self._engine.begin() as connection:
            yield connection
            if self._hold is not None:
                self._confirm(connection, str(system.target), self._hold.fence)

    def _confirm(self, connection: Connection, name: str, fence: int) -> None:
        """From here to the end of the transaction nobody can take the lock. One in a file has no row."""
        table = tables.locks
        query = select(table.c.fence).where(table.c.instance == self._instance, table.c.name == name)
        newest = connection.execute(query.with_for_update(read=True)).scalar()
        if newest is not None and newest != fence:
            raise TransientError(
                f"the lock of {name} was taken over by somebody else; nothing was kept of this pass",
                reason="LeaseLost",
            )

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
