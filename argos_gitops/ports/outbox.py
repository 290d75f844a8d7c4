"""What people are to be told, kept until it is delivered; and what they were told of that still stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from argos_gitops.ports.notify import Event


@dataclass(frozen=True, slots=True)
class Alarm:
    """A state that stands until something ends it. An alarm with another `fingerprint` is other news."""

    name: str
    subject: str = ""
    fingerprint: str = ""

    @property
    def key(self) -> str:
        """One state of one subject; there is at most one alarm of a key."""
        return f"{self.name} {self.subject}".rstrip()


@dataclass(frozen=True, slots=True)
class Notification:
    """One event for one channel. `throttle`: the same `mark` under the same key is told once within it.

    It is told `after` so long, if nothing else became known under its key by then. `ends`: it is the end
    of a state, of no interest to who never heard of that.
    """

    channel: str
    event: Event
    mark: str
    throttle: timedelta
    after: timedelta = timedelta(0)
    ends: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What became known, and whom it goes to. It is news only if it really opens, or closes, its alarm."""

    notifications: tuple[Notification, ...]
    opens: Alarm | None = None
    closes: Alarm | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes out in one message. `id` stays the same however often it is tried.

    `attempts` were made before, the first of them `age` ago.
    """

    id: str
    channel: str
    events: tuple[Event, ...]
    attempts: int
    age: timedelta
    claim: str


@dataclass(frozen=True, slots=True)
class Depth:
    """What lies in the outbox. `failing` channels have a message that could not be delivered so far;
    `error` is why, of the newest attempt of those."""

    waiting: int
    failing: tuple[str, ...] = ()
    error: str = ""
    next_attempt: datetime | None = None
    last_attempt: datetime | None = None
    last_delivery: datetime | None = None


class Outbox(Protocol):
    """Of one instance; survives everybody. Times are the store's. Every method raises StoreError."""

    def alarms(self) -> Sequence[Alarm]:
        """Those that are open."""
        ...

    def tell(self, news: Sequence[News]) -> int:
        """Keeps the alarms and queues the notifications, all or nothing.

        Gives back how many others had to be dropped, as no more than so many are kept waiting: the
        least severe first, and of these the oldest.
        """
        ...

    def claim(self, limits: Mapping[str, int]) -> Bundle | None:
        """What is due for the channel that waits longest, for us alone until the claim runs out.

        `limits` are the known channels with their messages a minute. Each channel is emptied in order
        and by one worker at a time, whichever process it is in.
        """
        ...

    def delivered(self, bundle: Bundle) -> None: ...

    def retry(self, bundle: Bundle, after: timedelta, error: str) -> None:
        """Puts it back, due after so long."""
        ...

    def give_up(self, bundle: Bundle, error: str) -> None: ...

    def keep_channels(self, channels: Collection[str]) -> int:
        """Gives up what waits for any other channel; how many notifications that were."""
        ...

    def depth(self) -> Depth: ...

    def forget(self, older_than: timedelta) -> int:
        """Drops what was delivered or given up so long ago; how many notifications that were."""
        ...
