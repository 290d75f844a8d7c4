"""Opening the database: SQLite in WAL mode or any SQLAlchemy URL, migrated to the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from argos_gitops.model.errors import StoreError

SCHEMA_HEAD = "0001"
"""The newest Alembic revision; comparing it spares the slow import of Alembic on every start."""


def open_database(url: str) -> Engine:
    """An engine whose schema is up to date; StoreError that names the place when it cannot be had."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            Path(str(parsed.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StoreError("the store URL is not a database URL that SQLAlchemy can open") from error
    except OSError as error:
        raise StoreError(f"the store's folder cannot be made: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    with store_errors(engine):
        _migrate(engine)
    return engine


@contextmanager
def store_errors(engine: Engine) -> Iterator[None]:
    """Turns what SQLAlchemy raises into StoreError; the URL is shown without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        place = engine.url.render_as_string(hide_password=True)
        raise StoreError(
            f"the store {place} failed: {cause}; check its disk, its rights and that it runs"
        ) from error


def _prepare_sqlite(connection: object, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # the DBAPI has no common type
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _schema_version(connection) == SCHEMA_HEAD:
            return
    # Alembic takes half a second to import; it is needed once per schema, not once per start.
    from argos_gitops.store.migrations.upgrade import upgrade

    upgrade(engine)


def _schema_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)
