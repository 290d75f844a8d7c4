"""Opening the database: SQLite in WAL mode or PostgreSQL, migrated to the newest schema."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from argos_gitops.model.errors import StoreError
from argos_gitops.model.urls import ENCODED
from argos_gitops.store.file import StoreFile, has_room
from argos_gitops.store.tables import metadata

SCHEMA_HEAD = "0005"
"""The newest Alembic revision; comparing it spares the slow import of Alembic on every start."""

_OPENING = 0x6172676F73
"""The key of the advisory lock that PostgreSQL gives to one of those who open a database at once."""

_POSTGRES_ARGUMENTS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "argos-gitops",
}
"""A server that vanished without a word is noticed within the term of a lease, or little later."""

_POSTGRES_SESSION = (
    # Whoever was paused inside a transaction must not keep the others waiting for the rows it locked.
    "SET idle_in_transaction_session_timeout = '5s'",
    "SET lock_timeout = '8s'",
    "SET TIME ZONE 'UTC'",
)


def open_database(url: str, *, may_create: bool = True) -> Engine:
    """An engine whose schema is up to date; StoreError that names the place when it cannot be had.

    Unless it `may_create` one, a SQLite database that is not there is such a place.
    """
    try:
        found = make_url(url)
        if "@" in (found.host or ""):  # the end of a password, which each message would repeat
            raise StoreError(f"the store URL: {ENCODED}")
        engine, file = _engine(_with_driver(found), may_create)
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError("the store URL is not a database URL that SQLAlchemy can open") from error
    except ImportError as error:
        raise StoreError(
            f"the store needs a driver that is not installed ({error.name}); "
            "for PostgreSQL: pip install 'argos-gitops[postgres]'"
        ) from error
    except OSError as error:
        raise StoreError(
            f"the store's folder cannot be used: {error}; expected a folder that we may write to"
        ) from error
    try:
        with store_errors(engine):
            _migrate(engine)
        if file is not None:
            file.accept()
    except StoreError:
        engine.dispose()
        raise
    return engine


@contextmanager
def store_errors(engine: Engine) -> Iterator[None]:
    """Turns what SQLAlchemy raises into StoreError; the URL is shown without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
        place = engine.url.render_as_string(hide_password=True)
        reason, cure = _cure(cause, engine.url)
        raise StoreError(f"the store {place} failed: {cause}; {cure}", reason=reason) from error


_CURES = (
    (
        ("malformed", "not a database", "no such table", "no such column", "does not exist"),
        "StoreDamaged",
        "it is damaged: stop the agent and put back a backup, or remove it: the agent then begins with an "
        "empty one, and finds what is its own by the marks that it left",
    ),
    (
        ("readonly", "read-only"),
        "StoreReadOnly",
        "let the agent's account write to it and to its folder",
    ),
    (("disk is full", "disk full", "No space left"), "StoreFull", "make room on its disk"),
)


def _cure(cause: str, url: URL) -> tuple[str, str]:
    """The reason and what to do, by the words of SQLite and PostgreSQL.

    SQLite says "disk I/O error" where it finds no room for its shared memory: then the disk is looked at.
    """
    if _is_sqlite(url) and "disk I/O error" in cause and not has_room(Path(url.database or "")):
        cause = "disk is full"
    for words, reason, cure in _CURES:
        if any(word in cause for word in words):
            return reason, cure
    return StoreError.reason, "check its disk, its rights and that it runs"


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _with_driver(url: URL) -> URL:
    """`postgres://` and `postgresql://` mean the driver that we bring."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def _engine(url: URL, may_create: bool) -> tuple[Engine, StoreFile | None]:
    backend = url.get_backend_name()
    if _is_sqlite(url):
        file = None
        if url.database not in (None, "", ":memory:") and not str(url.database).startswith("file:"):
            file = StoreFile(Path(str(url.database)), _check_again)
            file.prepare(may_create=may_create)
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare_sqlite)
        if file is not None:
            file.watch(engine)
        return engine, file
    if backend != "postgresql":
        raise StoreError(f"the store URL begins with {url.drivername}; expected sqlite or postgresql")
    given = {name: value for name, value in _POSTGRES_ARGUMENTS.items() if name not in url.query}
    engine = create_engine(url, connect_args=given, pool_pre_ping=True, max_overflow=20, pool_timeout=5)
    event.listen(engine, "connect", _prepare_postgres)
    return engine, None


def _prepare_sqlite(connection: object, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # the DBAPI has no common type
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _check_again(connection: object) -> None:
    """Another file has the name of the store: it is one of ours, and of this version."""
    cursor = connection.cursor()  # type: ignore[attr-defined] # the DBAPI has no common type
    found = {
        row[0] for row in cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    cursor.close()
    if missing := metadata.tables.keys() - found:
        raise StoreError(
            f"another file has taken the store's place, and {_lacks(missing)}", reason="StoreDamaged"
        )


def _lacks(tables: Collection[str]) -> str:
    first, others = min(tables), len(tables) - 1
    return (
        f"it lacks the table {first}{f' and {others} more' if others else ''}; stop the agent and put back a "
        "backup, or remove it: the agent then begins with an empty one"
    )


def _prepare_postgres(connection: object, _: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined] # the DBAPI has no common type
        cursor.execute("; ".join(_POSTGRES_SESSION))
    connection.commit()  # type: ignore[attr-defined]


def _migrate(engine: Engine) -> None:
    """Does nothing to the newest schema; else one process at a time looks again, and does what is due."""
    with engine.connect() as connection:
        if _schema_version(connection) == SCHEMA_HEAD:
            _check_tables(connection)
            return
    with engine.begin() as connection:
        _alone(connection)
        version = _schema_version(connection)
        if version is None and not inspect(connection).get_table_names():
            _create(connection)
        elif version is None or version < SCHEMA_HEAD:
            # Alembic takes half a second to import; a schema that is new, or the newest, can do without.
            from argos_gitops.store.migrations.upgrade import upgrade

            upgrade(connection)
        elif version > SCHEMA_HEAD:
            place = engine.url.render_as_string(hide_password=True)
            raise StoreError(
                f"the store {place} has the schema {version}, written by a newer argos-gitops; "
                f"this one knows {SCHEMA_HEAD}: update it"
            )


def _alone(connection: Connection) -> None:
    """Keeps other processes that open the database out until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _OPENING})


def _create(connection: Connection) -> None:
    """The newest schema at once; that the migrations lead to the same one is a test."""
    metadata.create_all(connection)
    key = "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    connection.execute(text(f"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, {key})"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": SCHEMA_HEAD})


def _check_tables(connection: Connection) -> None:
    if missing := metadata.tables.keys() - set(inspect(connection).get_table_names()):
        place = connection.engine.url.render_as_string(hide_password=True)
        raise StoreError(f"the store {place} is damaged: {_lacks(missing)}", reason="StoreDamaged")


def _schema_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)
