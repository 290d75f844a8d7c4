"""The Controls port over the tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.engine import Row
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.ports.control import Override, Pin, Suspension
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import count_up, counter, upsert
from argos_gitops.store.tables import controls

_VERSION = "controls"
_REQUESTS = "sync-requests"
_SUSPENSION = "suspension"
_PIN = "pin"
_OVERRIDE = "override"
_APPROVAL = "approval"
_REQUEST = "sync-request"

KEPT_APPROVALS = 100


class SqlControls:
    """What people asked of one instance; each kind of wish is a kind of row."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def version(self) -> int:
        with self._reading() as connection:
            return counter(connection, self._instance, _VERSION)

    def suspensions(self) -> Sequence[Suspension]:
        """In the order of their subjects."""
        found = sorted(self._rows(_SUSPENSION), key=lambda row: str(row.subject))
        return [Suspension(row.subject, row.by, row.since, row.reason) for row in found]

    def suspend(self, suspension: Suspension) -> None:
        """A subject that is suspended already keeps the newer reason."""
        with self._changing() as connection:
            self._keep(
                connection,
                _SUSPENSION,
                suspension.subject,
                by=suspension.by,
                since=suspension.since,
                reason=suspension.reason,
            )

    def resume(self, subject: str) -> bool:
        with self._changing() as connection:
            gone = delete(controls).where(*self._of(_SUSPENSION), controls.c.subject == subject)
            return connection.execute(gone).rowcount > 0

    def pin(self) -> Pin | None:
        for row in self._rows(_PIN):
            return Pin(row.subject, row.by, row.since, row.reason)
        return None

    def set_pin(self, pin: Pin | None) -> None:
        with self._changing() as connection:
            connection.execute(delete(controls).where(*self._of(_PIN)))
            if pin is not None:
                self._keep(connection, _PIN, pin.revision, by=pin.by, since=pin.since, reason=pin.reason)

    def override(self, now: datetime) -> Override | None:
        for row in self._rows(_OVERRIDE):
            if row.until > now:
                return Override(row.until, row.by, row.since, row.reason)
        return None

    def set_override(self, override: Override | None) -> None:
        with self._changing() as connection:
            connection.execute(delete(controls).where(*self._of(_OVERRIDE)))
            if override is not None:
                self._keep(
                    connection,
                    _OVERRIDE,
                    "",
                    by=override.by,
                    since=override.since,
                    reason=override.reason,
                    until=override.until,
                )

    def approve(self, digest: str, by: str, at: datetime) -> None:
        with self._changing() as connection:
            self._keep(connection, _APPROVAL, digest, by=by, since=at)
            newest = select(controls.c.subject).where(*self._of(_APPROVAL))
            old = newest.order_by(controls.c.since.desc(), controls.c.subject).offset(KEPT_APPROVALS)
            subjects = connection.execute(old.limit(KEPT_APPROVALS)).scalars().all()
            gone = delete(controls).where(*self._of(_APPROVAL), controls.c.subject.in_(subjects))
            connection.execute(gone)

    def approvals(self) -> Sequence[str]:
        return [row.subject for row in self._rows(_APPROVAL)]

    def request_sync(self, by: str, at: datetime) -> int:
        with self._changing() as connection:
            self._keep(connection, _REQUEST, "", by=by, since=at)
            return count_up(connection, self._instance, _REQUESTS)

    def newest_request(self) -> int:
        with self._reading() as connection:
            return counter(connection, self._instance, _REQUESTS)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with store_errors(self._engine), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """One transaction; the version tells everybody that something changed, and keeps them in a row."""
        with store_errors(self._engine), self._engine.begin() as connection:
            count_up(connection, self._instance, _VERSION)
            yield connection

    def _rows(self, kind: str) -> Sequence[Row[tuple[object, ...]]]:
        """Of one kind, the newest first."""
        query = select(controls).where(*self._of(kind)).order_by(controls.c.since.desc(), controls.c.subject)
        with self._reading() as connection:
            return connection.execute(query).all()

    def _keep(self, connection: Connection, kind: str, subject: str, **values: str | datetime) -> None:
        key = {"instance": self._instance, "kind": kind, "subject": subject}
        upsert(connection, controls, key, {"reason": "", "until": None} | values)

    def _of(self, kind: str) -> tuple[ColumnElement[bool], ...]:
        return (controls.c.instance == self._instance, controls.c.kind == kind)
