"""The local parse cache: one SQLite file in the cache folder, which anybody may delete at any time.

It is no part of the state behind the SQLAlchemy URL: it only saves work, so whatever goes wrong with
it (another process holds it, the disk is full, the file is damaged) is answered by forgetting.
"""

import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import orjson

_DAY = 24 * 60 * 60
_BUSY_SECONDS = 2.0

# A change of the table's shape gets a new name: what an older version wrote is then not there.
_PREPARE = """
pragma journal_mode = wal;
pragma synchronous = off;
create table if not exists entries_1 (key text primary key, checksum integer, content blob, used integer);
create index if not exists entries_1_by_use on entries_1 (used);
"""
_READ = "select key, checksum, content, used from entries_1 where key in (select value from json_each(?))"
_TOUCH = "update entries_1 set used = ? where key in (select value from json_each(?))"
_WRITE = "insert or replace into entries_1 values (?, ?, ?, ?)"
_DROP = "delete from entries_1 where key in (select value from json_each(?))"
_EXPIRE = "delete from entries_1 where used < ?"
_HALVE = """
delete from entries_1 where rowid in
    (select rowid from entries_1 order by used, rowid limit (select count(*) / 2 + 1 from entries_1))
"""

Answer = TypeVar("Answer")


class SqliteParseCache:
    """Entries by key, shared by all processes that use the file at `path`.

    Entries that nobody used for `max_age_days` go; when the file grows past `max_bytes`, the half that
    was used longest ago goes. `now` gives seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_age_days: int = 30,
        max_bytes: int = 512 * 1024 * 1024,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._max_age_days = max_age_days
        self._max_bytes = max_bytes
        self._now = now

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The entries that are there and undamaged."""

        def read(connection: sqlite3.Connection) -> dict[str, bytes]:
            rows = connection.execute(_READ, [_listed(keys)]).fetchall()
            if stale := [key for key, _, _, used in rows if used < self._today()]:
                with connection:
                    connection.execute(_TOUCH, [self._today(), _listed(stale)])
            return {key: content for key, checksum, content, _ in rows if _checksum(key, content) == checksum}

        return self._ask(read, {}) if self._path.exists() else {}

    def put_many(self, entries: Mapping[str, bytes], instead_of: Sequence[str] = ()) -> None:
        """Keeps `entries`, and forgets the keys that they take the place of."""

        def write(connection: sqlite3.Connection) -> None:
            today = self._today()
            rows = [(key, _checksum(key, content), content, today) for key, content in entries.items()]
            with connection:
                if instead_of:
                    connection.execute(_DROP, [_listed(instead_of)])
                connection.executemany(_WRITE, rows)
                self._bound(connection)

        self._ask(write, None)

    def _ask(self, question: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        """Asks over a connection of its own: a lasting one would cross forks and threads."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection:
                connection.executescript(_PREPARE)
                return question(connection)
        except (sqlite3.OperationalError, OSError):
            return otherwise  # busy, full or read-only: nothing is remembered this time
        except sqlite3.DatabaseError:
            self._start_afresh()
            return otherwise

    def _start_afresh(self) -> None:
        """Removes a damaged file; the next entry makes a new one."""
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _bound(self, connection: sqlite3.Connection) -> None:
        connection.execute(_EXPIRE, [self._today() - self._max_age_days])
        pages, free, size = (
            connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._max_bytes:
            connection.execute(_HALVE)

    def _today(self) -> int:
        return int(self._now() // _DAY)


def _listed(keys: Sequence[str]) -> str:
    return orjson.dumps(list(keys)).decode()


def _checksum(key: str, content: bytes) -> int:
    """Of key and content together, so that a damaged index cannot hand out another key's content."""
    return zlib.crc32(content, zlib.crc32(key.encode()))
