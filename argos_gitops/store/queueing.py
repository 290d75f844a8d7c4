"""How notifications queue up: what was told just now is not told again, and no more wait than may."""

from dataclasses import asdict
from datetime import datetime

import orjson
from sqlalchemy import Connection, func, insert, or_, select, update

from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Notification
from argos_gitops.store.tables import notifications

WAITING = "waiting"
_TOLD = (WAITING, "delivered")
_ROW = notifications.c


class Queue:
    """The waiting notifications of one instance, within one transaction at `now`."""

    def __init__(self, connection: Connection, instance: str, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._instance = instance

    def add(self, notification: Notification) -> None:
        """Queues it, unless people know it already.

        Within the throttle of the same news, it waits until that is over; should the state be another by
        then, this one is never told.
        """
        self._supersede(notification)
        due = self._due(notification)
        if due is None:
            return
        event = notification.event
        self._connection.execute(
            insert(notifications).values(
                instance=self._instance,
                channel=notification.channel,
                key=key_of(event),
                mark=notification.mark,
                severity=event.severity.rank,
                event=orjson.dumps(asdict(event)),
                state=WAITING,
                created_at=self._now,
                due_at=due,
                throttled=due > self._now,
                attempts=0,
                error="",
            )
        )

    def shorten(self, most: int) -> int:
        """Drops what is more than may wait: the least severe first, and of these the oldest."""
        ours = (_ROW.instance == self._instance, _ROW.state == WAITING)
        excess = self._connection.execute(select(func.count()).where(*ours)).scalar_one() - most
        if excess <= 0:
            return 0
        idle = or_(_ROW.claimed_until.is_(None), _ROW.claimed_until < self._now)
        least = select(_ROW.id).where(*ours, idle).order_by(_ROW.severity, _ROW.id).limit(excess)
        chosen = list(self._connection.execute(least).scalars())
        dropped = update(notifications).where(_ROW.id.in_(chosen)).values(state="dropped")
        return self._connection.execute(dropped).rowcount

    def _supersede(self, notification: Notification) -> None:
        """What still waits for the end of a throttle has been overtaken."""
        overtaken = update(notifications).where(
            _ROW.instance == self._instance,
            _ROW.channel == notification.channel,
            _ROW.key == key_of(notification.event),
            _ROW.state == WAITING,
            _ROW.throttled,
            _ROW.bundle.is_(None),
            _ROW.due_at > self._now,
        )
        self._connection.execute(overtaken.values(state="superseded"))

    def _due(self, notification: Notification) -> datetime | None:
        """None where people know it already, or never heard of what this is the end of."""
        told = (
            select(_ROW.id, _ROW.mark, _ROW.created_at)
            .where(
                _ROW.instance == self._instance,
                _ROW.channel == notification.channel,
                _ROW.key == key_of(notification.event),
                _ROW.state.in_(_TOLD),
            )
            .order_by(_ROW.id.desc())
            .limit(1)
        )
        last = self._connection.execute(told).first()
        same = self._connection.execute(told.where(_ROW.mark == notification.mark)).first()
        if notification.ends and (last is None or last.mark == notification.mark):
            return None
        if same is None or same.created_at <= self._now - notification.throttle:
            return self._now + notification.after
        return None if last is not None and same.id == last.id else same.created_at + notification.throttle


def key_of(event: Event) -> str:
    """What repetitions of one and the same event have in common."""
    return event.key or f"{event.name} {event.subject}".rstrip()
