"""A database that is removed, damaged or replaced: one clear error with the cure; it heals when mended."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from argos_gitops.model.errors import StoreError
from argos_gitops.store.database import open_database, store_errors
from argos_gitops.store.status import SqlStatusStore
from argos_gitops.store.tables import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "argos.db"


@pytest.fixture
def engine(path: Path) -> Engine:
    return open_database(f"sqlite:///{path}")


def _ask(engine: Engine) -> int:
    with store_errors(engine), engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM passes")).scalar_one())


def _reason(engine: Engine) -> str:
    with pytest.raises(StoreError) as raised:
        _ask(engine)
    assert "backup" in str(raised.value) or "account" in str(raised.value), "the cure"
    return raised.value.reason


def _back_up(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        connection.execute(text("VACUUM INTO :path"), {"path": str(path)})


def _moved_away(path: Path) -> Path:
    away = path.parent / "away"
    away.mkdir()
    for found in path.parent.glob("argos.db*"):
        shutil.move(found, away / found.name)
    return away


def test_the_end_of_a_password_is_not_taken_for_a_host() -> None:
    with pytest.raises(StoreError, match="%40") as raised:
        open_database("postgresql://argos:first@canary-77aa@127.0.0.1:9/argos")
    assert "canary-77aa" not in str(raised.value)


def test_a_database_that_was_removed_under_a_running_agent(engine: Engine, path: Path) -> None:
    """Nothing is written to a file that is gone, no empty one is made, and all is well when it is back."""
    _ask(engine)
    away = _moved_away(path)
    assert _reason(engine) == "StoreGone"
    assert not path.exists()
    for found in away.iterdir():
        shutil.move(found, path.parent / found.name)
    assert _ask(engine) == 0
    engine.dispose()


def test_a_database_that_was_replaced_by_a_backup(engine: Engine, path: Path, tmp_path: Path) -> None:
    """The old connection is not closed: SQLite would remove the log of the new file by its name."""
    backup = tmp_path / "backup.db"
    _back_up(engine, backup)
    _moved_away(path)
    assert _reason(engine) == "StoreGone"
    shutil.copy(backup, path)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE written_by_another_process (x)")
        log = path.with_name("argos.db-wal")
        before = log.stat().st_ino
        assert _ask(engine) == 0
        assert log.stat().st_ino == before
    other.close()
    engine.dispose()


def test_a_file_of_somebody_else_in_its_place(engine: Engine, path: Path) -> None:
    _ask(engine)
    _moved_away(path)
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE things (x)")
    other.close()
    assert _reason(engine) == "StoreDamaged"
    engine.dispose()


@pytest.mark.parametrize("size", [0, 100])
def test_a_database_that_was_cut_under_a_running_agent(
    engine: Engine, path: Path, tmp_path: Path, size: int
) -> None:
    _back_up(engine, tmp_path / "backup.db")
    os.truncate(path, size)
    assert _reason(engine) == "StoreDamaged"
    for left in path.parent.glob("argos.db-*"):
        left.unlink()
    (tmp_path / "backup.db").replace(path)
    assert _ask(engine) == 0
    engine.dispose()


def _closed(path: Path) -> None:
    open_database(f"sqlite:///{path}").dispose()


def _refused(path: Path, *, may_create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as raised:
        open_database(f"sqlite:///{path}", may_create=may_create)
    assert str(path.parent) in str(raised.value)
    return raised.value


def test_a_database_that_was_cut_is_not_begun_anew(path: Path) -> None:
    """An empty file is a database to SQLite."""
    _closed(path)
    os.truncate(path, 0)
    os.utime(path, (0, 0))
    assert _refused(path).reason == "StoreDamaged"
    assert path.stat().st_size == 0


@pytest.mark.parametrize("half", [2, 3])
def test_a_database_of_which_a_part_is_left(path: Path, half: int) -> None:
    _closed(path)
    os.truncate(path, path.stat().st_size // half)
    assert _refused(path).reason == "StoreDamaged"


def test_a_database_with_another_beginning(path: Path) -> None:
    _closed(path)
    path.write_bytes(b"garbage " * 1024)
    error = _refused(path)
    assert error.reason == "StoreDamaged"
    assert "backup" in str(error)


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_a_database_that_lacks_a_table(path: Path, table: str) -> None:
    _closed(path)
    with sqlite3.connect(path) as other:
        other.execute(f"DROP TABLE {table}")
    other.close()
    error = _refused(path)
    assert error.reason == "StoreDamaged"
    assert table in str(error)


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    assert "folder" in str(_refused(path))


def test_a_file_where_its_folder_should_be(path: Path) -> None:
    path.parent.write_text("")
    _refused(path)


def test_whoever_may_not_make_one_makes_none(path: Path) -> None:
    """The process that answers strangers is started again while the file is gone."""
    assert _refused(path, may_create=False).reason == "StoreGone"
    assert not path.parent.exists()
    _closed(path)
    open_database(f"sqlite:///{path}", may_create=False).dispose()


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_database_is_for_us_alone(path: Path, umask: int) -> None:
    """Whatever the umask, with all that SQLite makes beside it; also one of an older version."""
    before = os.umask(umask)
    try:
        engine = open_database(f"sqlite:///{path}")
        SqlStatusStore(engine, "test").revisions()
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE x (y)"))
        names = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
        assert set(names) == {"argos.db", "argos.db-wal", "argos.db-shm"}
        assert set(names.values()) == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        engine.dispose()
        path.chmod(0o644)
        open_database(f"sqlite:///{path}").dispose()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.real
def test_a_postgresql_that_lacks_a_table(request: pytest.FixtureRequest) -> None:
    """The same on PostgreSQL: when it is opened, and while it is used; and it heals."""
    url = request.getfixturevalue("postgres").new_database()
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE passes RENAME TO gone"))
    assert _reason(engine) == "StoreDamaged"
    with pytest.raises(StoreError) as raised:
        open_database(url)
    assert raised.value.reason == "StoreDamaged"
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO passes"))
    assert _ask(engine) == 0
    engine.dispose()
