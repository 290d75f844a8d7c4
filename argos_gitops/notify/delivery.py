"""The workers that empty the outbox: claim, send, and settle what became of it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from argos_gitops.model.errors import ArgosError, StoreError, TransientError
from argos_gitops.model.notification import NotificationChannelSpec
from argos_gitops.notify.attempt import TIME_LIMIT, attempt
from argos_gitops.notify.log import Log
from argos_gitops.notify.message import message_of
from argos_gitops.notify.patience import Patience
from argos_gitops.ports.outbox import Bundle, Outbox
from argos_gitops.ports.secrets import Secrets
from argos_gitops.supervision.supervised import SupervisedThread, place_of

_TO_PUT_BACK = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """`poll` is how often the outbox is asked without being told of anything, as others may have queued
    something, or a retry is due."""

    workers: int = 2
    poll: timedelta = timedelta(seconds=5)
    patience: Patience = field(default_factory=Patience)
    time_limit: timedelta = TIME_LIMIT


class Delivery:
    """Sends what is due for the channels that are known.

    `settled` is told of a channel that delivered (with an empty sentence), or that a message was given up
    for (with the reason).
    """

    def __init__(
        self,
        outbox: Outbox,
        sender: "Sender",
        settled: Callable[[str, str], None],
        log: Log,
        pace: Pace,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._settled = settled
        self._log = log
        self._pace = pace
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._hurry_at = float("inf")
        self._threads: list[SupervisedThread] = []

    def start(self) -> None:
        for number in range(self._pace.workers):
            thread = SupervisedThread(f"notify {number}", self._run, self._stopping.is_set)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self, deadline: float) -> bool:
        """Whether every worker ended by `deadline`, in monotonic seconds. What is not sent shortly before it
        is put back: whoever runs next tries it again."""
        self._hurry_at = deadline - _TO_PUT_BACK
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def send_due(self, deadline: float) -> None:
        """Tries what is due once, in this thread, as long as there is time left. Raises StoreError."""
        while (left := deadline - time.monotonic()) > 0:
            bundle = self._outbox.claim(self._sender.limits())
            if bundle is None:
                return
            self._deliver(bundle, min(self._pace.time_limit, timedelta(seconds=left)))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if not self._step():
                self._wake.wait(self._pace.poll.total_seconds())

    def _step(self) -> bool:
        """Whether there was anything to do."""
        try:
            bundle = self._outbox.claim(self._sender.limits())
            if bundle is not None:
                self._deliver(bundle, self._pace.time_limit)
        except StoreError as error:
            self._log.warning("outbox_failed", reason=error.reason, message=str(error))
            return False
        return bundle is not None

    def _deliver(self, bundle: Bundle, limit: timedelta) -> None:
        try:
            partly = self._sender.send(bundle, limit, self._hurry)
        except ArgosError as error:
            self._failed(bundle, error)
            return
        except Exception as error:  # noqa: BLE001 # one message that cannot be made must not hold up the others
            text = f"unexpected {type(error).__name__} at {place_of(error)}; please report it"
            self._failed(bundle, TransientError(text, reason="ChannelFailing"))
            return
        self._outbox.delivered(bundle)
        if partly:
            self._log.warning("notification_partly_delivered", channel=bundle.channel, message=partly)
        self._settled(bundle.channel, "")

    def _hurry(self) -> bool:
        return time.monotonic() >= self._hurry_at

    def _failed(self, bundle: Bundle, error: ArgosError) -> None:
        pause = self._pace.patience.pause(bundle, error)
        facts = {"channel": bundle.channel, "reason": error.reason, "message": str(error)}
        if pause is not None:
            self._outbox.retry(bundle, pause, str(error))
            self._log.warning(
                "notification_delayed", next_attempt=f"in {pause.total_seconds():.0f} s", **facts
            )
            return
        self._outbox.give_up(bundle, str(error))
        self._log.warning("notification_given_up", events=len(bundle.events), **facts)
        self._settled(bundle.channel, f"{error.reason}: {error}")


class Sender:
    """Sends bundles through the channels of the revision in force."""

    def __init__(self, secrets: Secrets, instance: str) -> None:
        self._secrets = secrets
        self._instance = instance
        self.channels: Mapping[str, NotificationChannelSpec] = {}

    def limits(self) -> Mapping[str, int]:
        """Messages a minute, by channel."""
        return {name: channel.rate_limit_per_minute for name, channel in self.channels.items()}

    def send(self, bundle: Bundle, limit: timedelta, hurry: Callable[[], bool]) -> str:
        channel = self.channels.get(bundle.channel)
        if channel is None:
            raise ArgosError(f"NotificationChannel/{bundle.channel} is gone", reason="ChannelGone")
        message = message_of(bundle, self._instance, channel.template)
        return attempt(channel, message, self._secrets, limit, hurry)
