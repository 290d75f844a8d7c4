"""Telling people, as one thing: what passes end with goes in, messages come out."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from argos_gitops.model.errors import ArgosError, StoreError
from argos_gitops.model.event import EVENTS
from argos_gitops.model.resource import ResourceSet
from argos_gitops.notify.delivery import Delivery, Pace, Sender
from argos_gitops.notify.log import Log
from argos_gitops.notify.news import Telling, end_of, tellings
from argos_gitops.notify.rules import Rules
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm, News, Outbox
from argos_gitops.ports.report import PassResult

NAME = "notifications"


class Notifications:
    """A Reporter and a Notifier. What is to be told is in the outbox when they return.

    Nothing is told, nor remembered as told, before `configure` has said whom to tell; whoever never calls
    it, such as a single `apply`, is configured by the first pass that has resources.
    """

    def __init__(
        self, outbox: Outbox, sender: Sender, clock: Clock, log: Log, pace: Pace | None = None
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._log = log
        self._delivery = Delivery(outbox, sender, self._settled, log, pace or Pace())
        self._rules: Rules | None = None
        self._running = False
        self._delivering: set[str] = set()
        self._lock = threading.Lock()

    def configure(self, resources: ResourceSet) -> None:
        """The channels and rules of the revision in force. Raises StoreError."""
        rules = Rules.of(resources)
        self._rules, self._sender.channels = rules, rules.channels
        if self._running:
            self._drop_strays(rules)
            self._delivery.wake()

    def start(self) -> None:
        """Begins to send, in threads of its own."""
        self._running = True
        self._delivery.start()

    def stop(self, timeout: float) -> bool:
        """Whether every attempt under way ended in so many seconds; the outbox keeps what is left."""
        return self._delivery.stop(time.monotonic() + timeout)

    def finish(self, timeout: float = 5.0) -> None:
        """Without `start`: tries what is due once, as this process ends. Another one does the rest."""
        if self._running or self._rules is None or not self._rules.channels:
            return
        try:
            self._delivery.send_due(time.monotonic() + timeout)
        except StoreError as error:
            self._log.warning("outbox_failed", reason=error.reason, message=str(error))

    def report(self, result: PassResult) -> None:
        """Queues what this pass has to tell. Raises StoreError."""
        if self._rules is None and result.resources is not None:
            self.configure(result.resources)
        if self._rules is not None and self._rules.rules:
            self._tell(list(tellings(result, self._outbox.alarms())))

    def notify(self, event: Event) -> None:
        """Queues one event. Raises StoreError."""
        self._tell([Telling(event)])

    def begins(self, alarm: Alarm, title: str, text: str, besides: str = "") -> None:
        """Something is so from now on; told once, to every channel but `besides`. Raises StoreError."""
        severity = EVENTS[alarm.name].severity
        event = Event(alarm.name, severity, self._clock.now(), title, text, alarm.subject, alarm.key)
        self._tell([Telling(event, opens=alarm)], besides)

    def ends(self, alarm: Alarm) -> None:
        """That is over; told if it was told that it had begun. Raises StoreError."""
        self._tell([end_of(alarm, self._clock.now())])

    def depth(self) -> int:
        """How many notifications wait. Raises StoreError."""
        return self._outbox.depth().waiting

    def forget(self, retention: timedelta) -> int:
        """Drops what was delivered or given up so long ago; how many those were. Raises StoreError."""
        return self._outbox.forget(retention)

    def subsystem(self) -> Subsystem:
        try:
            depth = self._outbox.depth()
        except ArgosError as error:
            return Subsystem(NAME, "failing", error=str(error))
        state = "failing" if depth.failing else "ok"
        detail = f"{depth.waiting} waiting" if depth.waiting else ""
        why = f"{', '.join(depth.failing)}: {depth.error}" if depth.failing else ""
        return Subsystem(
            NAME, state, depth.last_attempt, depth.last_delivery, why, depth.next_attempt, detail
        )

    def _tell(self, news: Sequence[Telling], besides: str = "") -> None:
        rules = self._rules
        if rules is None:
            return
        addressed = [each for each in (rules.address(one, besides) for one in news) if _matters(each)]
        if not addressed:
            return
        dropped = self._outbox.tell(addressed)
        if dropped:
            self._overflowed(rules, dropped)
        self._delivery.wake()

    def _overflowed(self, rules: Rules, dropped: int) -> None:
        self._log.warning("notifications_dropped", count=dropped)
        title = f"{dropped} notifications were dropped: too many wait for their channels"
        name = "NotificationsDropped"
        event = Event(name, EVENTS[name].severity, self._clock.now(), title, facts={"count": str(dropped)})
        self._outbox.tell([rules.address(Telling(event))])

    def _drop_strays(self, rules: Rules) -> None:
        strays = self._outbox.keep_channels(rules.channels)
        if strays:
            self._log.warning("notifications_given_up", count=strays, message="their channels are gone")

    def _settled(self, channel: str, error: str) -> None:
        """A channel that fails is told of through the others."""
        alarm = Alarm("ChannelFailed", f"NotificationChannel/{channel}")
        with self._lock:
            proven = channel in self._delivering
            self._delivering.discard(channel) if error else self._delivering.add(channel)
        if error:
            self.begins(alarm, f"{alarm.subject} failed, and a message was given up", error, besides=channel)
        elif not proven:
            self.ends(alarm)


def _matters(news: News) -> bool:
    return bool(news.notifications or news.opens or news.closes)
