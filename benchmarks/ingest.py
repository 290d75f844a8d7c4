"""Reports of 1,000 Docker hosts with 50 containers each: how long one takes, and how many there may be.

The front process takes them in as the agent starts it, once over SQLite and once over PostgreSQL. The
reference is the bare database: the same compressed reports, one transaction each, by its driver alone.
"""

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from argos_gitops.app.front import Front
from benchmarks.bench import Bench
from benchmarks.docker_hosts import HOSTS, TOKEN, DockerHosts, report_of
from benchmarks.figure import Figure, Rule
from benchmarks.fronts import running_front
from benchmarks.measure import Spread, percentile, proportional_megabytes, ticks
from tests.components.postgres import RealPostgres

NAME = "ingest"
_EVERY_SECONDS = 30.0
_SECONDS = 45.0
_FULL_SECONDS = 15.0
_MILLISECOND = 1e3

Write = Callable[[str, bytes], object]


def run(bench: Bench) -> Iterator[Figure]:
    folder = bench.folder / "ingest"
    folder.mkdir()
    file = folder / "sqlite" / "argos.db"
    yield from _over("SQLite", f"sqlite:///{file}", folder / "sqlite", lambda: _size_of(file))
    with RealPostgres(folder / "cluster") as server:
        url = server.new_database()
        yield from _over("PostgreSQL", url, folder / "postgres", lambda: _size_in(url))


def _over(database: str, url: str, folder: Path, megabytes: Callable[[], float]) -> Iterator[Figure]:
    folder.mkdir()
    with running_front(folder, store=url, agent_token=TOKEN) as front:
        port = int(front.address.rpartition(":")[2])
        DockerHosts(port, 0, _FULL_SECONDS).waited()  # every host is known from here on
        settled = megabytes()
        yield from _sustained(database, front, port)
        yield _limit(database, port, url, folder)
        grown = Spread((megabytes(),))
        yield Figure(
            NAME,
            f"{database}: size with every host, after some rounds and after many",
            "MB",
            grown,
            "after some",
            Spread((settled,)),
            Rule.ABSOLUTE,
            grown.median,
            100.0,
        )


def _sustained(database: str, front: Front, port: int) -> Iterator[Figure]:
    rate = HOSTS / _EVERY_SECONDS
    pid = front.pid or 0
    begun, before = time.monotonic(), ticks([pid])
    took = DockerHosts(port, rate, _SECONDS).waited()
    share = (ticks([pid]) - before) / (time.monotonic() - begun)
    for percent, limit in ((50, None), (99, 50.0)):
        value = percentile(took, percent) * _MILLISECOND
        what = f"{database}: {rate:.0f} reports a second, each at the {percent}th percentile"
        yield _figure(what, "ms", value, limit)
    yield _figure(f"{database}: the front meanwhile, of one core", "%", share, None)
    yield _figure(f"{database}: the front's memory", "MB", proportional_megabytes(pid), None)


def _limit(database: str, port: int, url: str, folder: Path) -> Figure:
    """Reports a second, beside what the bare database takes."""
    begun = time.monotonic()
    count = len(DockerHosts(port, 0, _FULL_SECONDS).waited().values)
    ours = Spread((count / (time.monotonic() - begun),))
    bare = Spread((_bare_sqlite(folder / "bare.db") if database == "SQLite" else _bare_postgres(url),))
    what = f"{database}: reports a second, as many as it takes"
    return Figure(NAME, what, "/s", ours, "bare", bare, Rule.ABSOLUTE, ours.median, None)


def _bare_sqlite(file: Path) -> float:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("CREATE TABLE bare (host TEXT PRIMARY KEY, document BLOB)")
        upsert = (
            "INSERT INTO bare VALUES (?, ?) ON CONFLICT (host) DO UPDATE SET document = excluded.document"
        )
        return _written(lambda host, document: connection.execute(upsert, (host, document)))


def _bare_postgres(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (host TEXT PRIMARY KEY, document BYTEA)")
        upsert = (
            "INSERT INTO bare VALUES (%s, %s) ON CONFLICT (host) DO UPDATE SET document = excluded.document"
        )
        speed = _written(lambda host, document: connection.execute(upsert, (host, document)))
        connection.execute("DROP TABLE bare")
        return speed


def _written(write: Write) -> float:
    """Upserts a second, host after host."""
    documents = [zlib.compress(report_of(host), 1) for host in range(100)]
    begun, number = time.monotonic(), 0
    while time.monotonic() - begun < _FULL_SECONDS / 3:
        write(f"host-{number % HOSTS}", documents[number % len(documents)])
        number += 1
    return number / (time.monotonic() - begun)


def _size_of(file: Path) -> float:
    """With what still stands in its log."""
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*")) / 1e6


def _size_in(url: str) -> float:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) / 1e6 if row else 0.0


def _figure(what: str, unit: str, value: float, limit: float | None) -> Figure:
    return Figure(NAME, what, unit, Spread((value,)), "", None, Rule.ABSOLUTE, value, limit)
