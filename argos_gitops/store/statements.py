"""What SQLite and PostgreSQL say alike, but SQLAlchemy's common words do not: upserts, counters, time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Table, func, select

from argos_gitops.store.tables import counters

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def inserting(connection: Connection | Engine, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_sqlite

        return insert_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert as insert_postgresql

    return insert_postgresql(table)


def upsert(
    connection: Connection,
    table: Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    first: Mapping[str, Any] | None = None,
) -> None:
    """Leaves exactly one row of `key`, with `values`; a new row gets those in `first` as well."""
    statement = inserting(connection, table).values(**{**key, **(first or {}), **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(values)))


def count_up(connection: Connection, instance: str, name: str) -> int:
    """The next number of a counter. Whoever counts the same waits until this transaction has ended."""
    statement = inserting(connection, counters).values(instance=instance, name=name, number=1)
    counted = statement.on_conflict_do_update(
        index_elements=["instance", "name"], set_={"number": counters.c.number + 1}
    )
    return int(connection.execute(counted.returning(counters.c.number)).scalar_one())


def counter(connection: Connection, instance: str, name: str) -> int:
    """Its number; 0 before the first."""
    query = select(counters.c.number).where(counters.c.instance == instance, counters.c.name == name)
    return connection.execute(query).scalar() or 0


def database_now(connection: Connection) -> datetime:
    """The database's own time, aware, in UTC: the one clock that all replicas share."""
    if connection.dialect.name == "sqlite":
        text = connection.execute(select(func.strftime("%Y-%m-%d %H:%M:%f", "now"))).scalar_one()
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
