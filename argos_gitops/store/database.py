"""Opening the database: SQLite in WAL mode or any SQLAlchemy URL, migrated to the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from argos_gitops.model.errors import StoreError
from argos_gitops.store.tables import metadata

SCHEMA_HEAD = "0002"
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
    with engine.begin() as connection:
        version = _schema_version(connection)
        if version == SCHEMA_HEAD:
            return
        if version is None and not inspect(connection).get_table_names():
            _create(connection)
            return
    # Alembic takes half a second to import; a schema that is new, or the newest, can do without.
    from argos_gitops.store.migrations.upgrade import upgrade

    upgrade(engine)


def _create(connection: Connection) -> None:
    """The newest schema at once; that the migrations lead to the same one is a test."""
    metadata.create_all(connection)
    table = "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    connection.execute(text(table))
    stamp = "INSERT INTO alembic_version SELECT :head WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"
    connection.execute(text(stamp), {"head": SCHEMA_HEAD})


def _schema_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)
