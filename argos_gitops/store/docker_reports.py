"""The HostReports and ReportIntake ports over the tables.

When a host was heard of stands in one small row, its newest report in another, compressed. What changed
between two reports goes to the history; how much of that a host may have is limited when it is written.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection, Engine, Row, Table, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.containers import Container, ContainerChange, changes_between, content_of
from argos_gitops.ports.reports import Heartbeat, HostReport, IncomingReport, ReportedHost, Seen
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import inserting
from argos_gitops.store.tables import docker_history as history
from argos_gitops.store.tables import docker_hosts as hosts
from argos_gitops.store.tables import docker_reports as reports

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

MOST_CHANGES = 2_000
"""Of one host, the newest are kept: a container in a restart loop changes with each report."""

_FAST = 1


class SqlHostReports:
    """The hosts of one instance."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        # SQLite lets one write at a time, and whoever waits for it sleeps too long: here they queue instead.
        self._turn: AbstractContextManager[object] = (
            Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

        # Made once: to make them costs more than to run them.
        heard = {"hostname", "agent_version", "reported_at", "received_at", "digest", "containers"}
        self._hearing = _upserting(engine, hosts, heard).returning(hosts.c.content)
        self._writing = _upserting(engine, reports, {"document"})

    def latest(self, host_id: str) -> HostReport | None:
        both = hosts.join(
            reports, (hosts.c.instance == reports.c.instance) & (hosts.c.host_id == reports.c.host_id)
        )
        query = select(hosts, reports.c.document).select_from(both).where(*self._of(hosts, host_id))
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _report(row)

    def hosts(self) -> Sequence[ReportedHost]:
        query = select(hosts).where(hosts.c.instance == self._instance).order_by(hosts.c.host_id)
        with store_errors(self._engine), self._engine.connect() as connection:
            return [_host(row) for row in connection.execute(query)]

    def history(
        self, host_id: str, container: str | None = None, limit: int = 100
    ) -> Sequence[ContainerChange]:
        query = select(history).where(*self._of(history, host_id))
        if container is not None:
            query = query.where(history.c.container == container)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(history.c.id.desc()).limit(limit)).all()
        return [
            ContainerChange(row.at, row.container, row.container_id, row.what, row.before, row.after)
            for row in rows
        ]

    def seen(self, host_id: str) -> Seen | None:
        query = select(hosts.c.received_at, hosts.c.content).where(*self._of(hosts, host_id))
        with store_errors(self._engine), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Seen(row.received_at, row.content)

    def keep(self, report: IncomingReport, received_at: datetime) -> None:
        content = content_of(report.containers)
        document = zlib.compress(orjson.dumps(report.containers), _FAST)
        with self._writing_soon() as connection:
            earlier = self._hear(connection, report, received_at)
            if earlier != content:
                if earlier:
                    self._add_changes(connection, report, received_at)
                changed = update(hosts).where(*self._of(hosts, report.host_id)).values(content=content)
                connection.execute(changed)
            key = {"instance": self._instance, "host_id": report.host_id}
            connection.execute(self._writing, key | {"document": document})

    def still(self, heartbeat: Heartbeat, received_at: datetime) -> bool:
        same = (*self._of(hosts, heartbeat.host_id), hosts.c.digest == heartbeat.unchanged_since)
        heard = update(hosts).where(*same).values(reported_at=heartbeat.reported_at, received_at=received_at)
        with self._writing_soon() as connection:
            return connection.execute(heard).rowcount > 0

    @contextmanager
    def _writing_soon(self) -> Iterator[Connection]:
        """A transaction whose end waits for no disk, as in SQLite's WAL: a report that is lost when the
        database crashes is followed by another one within seconds."""
        with self._turn, store_errors(self._engine), self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield connection

    def forget(self, before: datetime) -> int:
        """Drops older changes, and the hosts that were not heard of since; how many of these there were."""
        old = history.c.instance == self._instance, history.c.at < before
        lost = select(hosts.c.host_id).where(hosts.c.instance == self._instance, hosts.c.received_at < before)
        with self._turn, store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(history).where(*old))
            silent = connection.execute(lost).scalars().all()
            for host_id in silent:
                self._drop(connection, host_id)
        return len(silent)

    def forget_host(self, host_id: str) -> bool:
        """Drops all that one host reported; whether it ever did."""
        with self._turn, store_errors(self._engine), self._engine.begin() as connection:
            return self._drop(connection, host_id)

    def _drop(self, connection: Connection, host_id: str) -> bool:
        for table in (history, reports):
            connection.execute(delete(table).where(*self._of(table, host_id)))
        return connection.execute(delete(hosts).where(*self._of(hosts, host_id))).rowcount > 0

    def _hear(self, connection: Connection, report: IncomingReport, received_at: datetime) -> str:
        """The content of the report before this one, empty without one; other reports of the host wait."""
        values = {
            "instance": self._instance,
            "host_id": report.host_id,
            "hostname": report.hostname,
            "agent_version": report.agent_version,
            "reported_at": report.reported_at,
            "received_at": received_at,
            "digest": report.digest,
            "containers": len(report.containers),
            "content": "",
        }
        return str(connection.execute(self._hearing, values).scalar_one())

    def _add_changes(self, connection: Connection, report: IncomingReport, at: datetime) -> None:
        """Writes at most as many as are kept, and drops the oldest beyond."""
        kept = select(reports.c.document).where(*self._of(reports, report.host_id))
        before = _containers(connection.execute(kept).scalar_one())
        changes = list(islice(changes_between(before, report.containers, at), MOST_CHANGES))
        if not changes:
            return
        key = {"instance": self._instance, "host_id": report.host_id}
        connection.execute(insert(history), [key | asdict(change) for change in changes])
        mine = self._of(history, report.host_id)
        newest = select(history.c.id).where(*mine).order_by(history.c.id.desc())
        oldest = connection.execute(newest.offset(MOST_CHANGES).limit(1)).scalar()
        if oldest is not None:
            connection.execute(delete(history).where(*mine, history.c.id <= oldest))

    def _of(self, table: Table, host_id: str) -> tuple[ColumnElement[bool], ...]:
        return (table.c.instance == self._instance, table.c.host_id == host_id)


def _upserting(engine: Engine, table: Table, moved: Collection[str]) -> "postgresql.Insert | sqlite.Insert":
    """One row of a host: a new one whole, of one that is there only what is in `moved`."""
    first = inserting(engine, table)
    return first.on_conflict_do_update(
        index_elements=["instance", "host_id"], set_={name: first.excluded[name] for name in moved}
    )


def _containers(document: bytes) -> Sequence[Container]:
    containers: list[Container] = orjson.loads(zlib.decompress(document))
    return containers


def _host(row: Row[Any]) -> ReportedHost:
    return ReportedHost(
        host_id=row.host_id,
        hostname=row.hostname,
        agent_version=row.agent_version,
        reported_at=row.reported_at,
        received_at=row.received_at,
        container_count=row.containers,
        content=row.content,
    )


def _report(row: Row[Any]) -> HostReport:
    return HostReport(
        host_id=row.host_id,
        hostname=row.hostname,
        agent_version=row.agent_version,
        reported_at=row.reported_at,
        received_at=row.received_at,
        clock_skew=row.reported_at - row.received_at,
        containers=_containers(row.document),
        digest=row.digest,
        content=row.content,
    )
