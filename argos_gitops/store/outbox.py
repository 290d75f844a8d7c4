"""The Outbox port over the tables: what waits, who is at it, and which alarms are open.

Whoever writes counts first: that makes writers of one instance take turns, in whichever process they are,
so that nothing is claimed twice and nothing is told twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Engine, Row, Select, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.model.event import Severity
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm, Bundle, Depth, News
from argos_gitops.store.database import store_errors
from argos_gitops.store.queueing import WAITING, Queue
from argos_gitops.store.statements import count_up, database_now, upsert
from argos_gitops.store.tables import alarms, notifications

_MINUTE = timedelta(minutes=1)
_TURN = "outbox"
_ROW = notifications.c


@dataclass(frozen=True, slots=True)
class Limits:
    """`waiting` notifications are kept at most, `bundled` go out in one message; a claim lasts `claim`,
    which must be longer than any channel takes."""

    waiting: int = 1000
    bundled: int = 50
    claim: timedelta = timedelta(minutes=2)


class SqlOutbox:
    """The outbox of one instance."""

    def __init__(self, engine: Engine, instance: str, limits: Limits | None = None) -> None:
        self._engine = engine
        self._instance = instance
        self._limits = limits or Limits()
        self._ours = _ROW.instance == instance
        self._waiting = _ROW.state == WAITING

    def alarms(self) -> Sequence[Alarm]:
        query = select(alarms).where(alarms.c.instance == self._instance).order_by(alarms.c.key)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Alarm(row.name, row.subject, row.fingerprint) for row in rows]

    def tell(self, news: Sequence[News]) -> int:
        with self._turn() as connection:
            queue = Queue(connection, self._instance, database_now(connection))
            for each in news:
                if self._is_news(connection, each):
                    for notification in each.notifications:
                        queue.add(notification)
            return queue.shorten(self._limits.waiting)

    def claim(self, limits: Mapping[str, int]) -> Bundle | None:
        if not self._anything_due(limits):
            return None
        with self._turn() as connection:
            now = database_now(connection)
            for channel in connection.execute(self._due(limits, now)).scalars().all():
                if self._free(connection, channel, now, limits[channel]):
                    bundle = self._claim_for(connection, channel, now)
                    if bundle is not None:
                        return bundle
        return None

    def delivered(self, bundle: Bundle) -> None:
        self._settle(bundle, state="delivered", error="")

    def retry(self, bundle: Bundle, after: timedelta, error: str) -> None:
        self._settle(bundle, after, error=error)

    def give_up(self, bundle: Bundle, error: str) -> None:
        self._settle(bundle, state="given up", error=error)

    def keep_channels(self, channels: Collection[str]) -> int:
        others = (self._ours, self._waiting, _ROW.channel.not_in(list(channels)))
        with store_errors(self._engine), self._engine.connect() as connection:
            if connection.execute(select(_ROW.id).where(*others).limit(1)).first() is None:
                return 0
        gone = update(notifications).where(*others)
        with self._turn() as connection:
            given_up = connection.execute(gone.values(state="given up", error="its channel is gone"))
            return given_up.rowcount

    def depth(self) -> Depth:
        tried = select(_ROW.channel, _ROW.error).where(self._ours, self._waiting, _ROW.error != "")
        waiting = select(func.count(), func.min(_ROW.due_at)).where(self._ours, self._waiting)
        last = select(func.max(_ROW.attempted_at)).where(self._ours)
        with store_errors(self._engine), self._engine.connect() as connection:
            failing = connection.execute(tried.order_by(_ROW.attempted_at.desc())).all()
            count, due = connection.execute(waiting).one()
            return Depth(
                waiting=count,
                failing=tuple(sorted({row.channel for row in failing})),
                error=failing[0].error if failing else "",
                next_attempt=due,
                last_attempt=connection.execute(last).scalar(),
                last_delivery=connection.execute(last.where(_ROW.state == "delivered")).scalar(),
            )

    def forget(self, older_than: timedelta) -> int:
        with store_errors(self._engine), self._engine.begin() as connection:
            before = database_now(connection) - older_than
            old = delete(notifications).where(self._ours, _ROW.state != WAITING, _ROW.created_at < before)
            return connection.execute(old).rowcount

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        with store_errors(self._engine), self._engine.begin() as connection:
            count_up(connection, self._instance, _TURN)
            yield connection

    def _is_news(self, connection: Connection, news: News) -> bool:
        """Opens and closes its alarms; whether they were not open, or closed, already."""
        if news.closes is not None:
            closed = connection.execute(delete(alarms).where(*self._alarm(news.closes)))
            if not closed.rowcount:
                return False
        return news.opens is None or self._open(connection, news.opens)

    def _open(self, connection: Connection, alarm: Alarm) -> bool:
        known = connection.execute(select(alarms.c.fingerprint).where(*self._alarm(alarm))).scalar()
        if known == alarm.fingerprint:
            return False
        key = {"instance": self._instance, "key": alarm.key}
        upsert(connection, alarms, key, asdict(alarm))
        return True

    def _alarm(self, alarm: Alarm) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return alarms.c.instance == self._instance, alarms.c.key == alarm.key

    def _anything_due(self, limits: Mapping[str, int]) -> bool:
        """Without a turn: whoever asks every second must not keep others from writing."""
        with store_errors(self._engine), self._engine.connect() as connection:
            return (
                connection.execute(self._due(limits, database_now(connection)).limit(1)).first() is not None
            )

    def _due(self, limits: Mapping[str, int], now: datetime) -> Select[Any]:
        """The channels with something due, the longest waiting first."""
        known = _ROW.channel.in_(list(limits))
        due = select(_ROW.channel).where(self._ours, self._waiting, known, _ROW.due_at <= now)
        return due.group_by(_ROW.channel).order_by(func.min(_ROW.due_at))

    def _free(self, connection: Connection, channel: str, now: datetime, limit: int) -> bool:
        """Whether nobody is at the channel, and it may have another message within this minute."""
        here = (self._ours, _ROW.channel == channel)
        claimed = select(_ROW.id).where(*here, self._waiting, _ROW.claimed_until > now).limit(1)
        lately = select(func.count(_ROW.bundle.distinct())).where(*here, _ROW.attempted_at > now - _MINUTE)
        if connection.execute(claimed).first() is not None:
            return False
        return int(connection.execute(lately).scalar_one()) < limit

    def _claim_for(self, connection: Connection, channel: str, now: datetime) -> Bundle | None:
        """What was tried before comes first, and holds up the rest, so that news arrive in their order."""
        rows = select(notifications).where(self._ours, self._waiting, _ROW.channel == channel)
        tried = connection.execute(rows.where(_ROW.bundle.is_not(None)).order_by(_ROW.id)).all()
        if tried and tried[0].due_at > now:
            return None
        if tried:
            chosen = [row for row in tried if row.bundle == tried[0].bundle]
        else:
            due = rows.where(_ROW.due_at <= now).order_by(_ROW.id).limit(self._limits.bundled)
            chosen = list(connection.execute(due).all())
        return self._claim_rows(connection, chosen, now) if chosen else None

    def _claim_rows(self, connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> Bundle:
        first = rows[0].first_attempt_at or now
        bundle = Bundle(
            id=rows[0].bundle or uuid4().hex,
            channel=rows[0].channel,
            events=tuple(_event(row.event) for row in rows),
            attempts=rows[0].attempts,
            age=now - first,
            claim=uuid4().hex,
        )
        claimed = update(notifications).where(_ROW.id.in_([row.id for row in rows]))
        connection.execute(
            claimed.values(
                bundle=bundle.id,
                claim=bundle.claim,
                claimed_until=now + self._limits.claim,
                attempts=bundle.attempts + 1,
                first_attempt_at=first,
                attempted_at=now,
            )
        )
        return bundle

    def _settle(self, bundle: Bundle, after: timedelta = timedelta(0), **values: object) -> None:
        """Ends a claim; one that has run out and is somebody else's now is left alone."""
        ours = (self._ours, self._waiting, _ROW.bundle == bundle.id, _ROW.claim == bundle.claim)
        with self._turn() as connection:
            due = database_now(connection) + after
            ended = update(notifications).where(*ours)
            connection.execute(ended.values(claim=None, claimed_until=None, due_at=due, **values))


def _event(document: bytes) -> Event:
    found = orjson.loads(document)
    at, severity = datetime.fromisoformat(found.pop("at")), Severity(found.pop("severity"))
    return Event(at=at, severity=severity, **found)
