"""What the push agents of Docker hosts reported: the newest report of each, and how containers changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

STALE_AFTER = timedelta(seconds=90)
"""How old a report may be, by our own clock, unless somebody chose otherwise."""

What = Literal["appeared", "gone", "state", "health", "image", "restarts"]


@dataclass(frozen=True, slots=True)
class Seen:
    """When a host was last heard of, and an identity of all that it said but statistics and wording.

    Whoever polls looks at `content`: while it is the same, so are containers, states and settings.
    """

    received_at: datetime
    content: str


@dataclass(frozen=True, slots=True)
class ReportedHost:
    """A host that was heard of. Times are aware, in UTC; `reported_at` is by the host's own clock."""

    host_id: str
    hostname: str
    agent_version: str
    reported_at: datetime
    received_at: datetime
    container_count: int
    content: str

    @property
    def clock_skew(self) -> timedelta:
        """How far the host's clock is ahead of ours, the way of the report included."""
        return self.reported_at - self.received_at

    def is_stale(self, now: datetime, after: timedelta = STALE_AFTER) -> bool:
        return is_stale(self.received_at, now, after)


@dataclass(frozen=True, slots=True)
class HostReport:
    """The newest report of one host.

    `containers` are in the shape of the report that an agent posts (camelCase; docs/docker-hosts.md),
    checked and masked when they came. A field that the agent did not report is absent: that is
    no statement about the container. `digest` is the agent's own of what it sent, empty without one.
    """

    host_id: str
    hostname: str
    agent_version: str
    reported_at: datetime
    received_at: datetime
    clock_skew: timedelta
    containers: Sequence[Mapping[str, Any]]
    digest: str
    content: str

    def is_stale(self, now: datetime, after: timedelta = STALE_AFTER) -> bool:
        return is_stale(self.received_at, now, after)


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """One thing that differed between two reports in a row; `at` is when the later one came.

    `before` and `after` are texts, empty where there was nothing: a state (`running`), a health, an
    image, or how often it was restarted. A container that is made anew has another id under its name:
    then it is not gone and there again, but has another image, state, or nothing that counts.
    """

    at: datetime
    container: str
    container_id: str
    what: What
    before: str
    after: str


class HostReports(Protocol):
    """The reports to one instance. Raises StoreError when they cannot be read."""

    def latest(self, host_id: str) -> HostReport | None: ...

    def hosts(self) -> Sequence[ReportedHost]:
        """In the order of their ids; also those that were not heard of for long."""
        ...

    def history(
        self, host_id: str, container: str | None = None, limit: int = 100
    ) -> Sequence[ContainerChange]:
        """The newest changes first; of all containers, or of the one with this name."""
        ...

    def seen(self, host_id: str) -> Seen | None:
        """Cheap: one small row."""
        ...


def is_stale(received_at: datetime, now: datetime, after: timedelta = STALE_AFTER) -> bool:
    """Whether a report that came at `received_at` no longer says how things are; both by our clock."""
    return now - received_at > after
