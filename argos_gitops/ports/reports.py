"""What the push agents of Docker hosts reported: the newest report of each, and how containers changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from argos_gitops.model.containers import STALE_AFTER, Container, ContainerChange


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
    containers: Sequence[Container]
    digest: str
    content: str

    def is_stale(self, now: datetime, after: timedelta = STALE_AFTER) -> bool:
        return is_stale(self.received_at, now, after)


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


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """What an agent says of all containers of its host, checked and masked; `digest` is its own, or empty."""

    host_id: str
    hostname: str
    agent_version: str
    reported_at: datetime
    containers: Sequence[Container]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An agent that says: all is as in my report with the digest `unchanged_since`."""

    host_id: str
    hostname: str
    agent_version: str
    reported_at: datetime
    unchanged_since: str


class ReportIntake(Protocol):
    """Where reports go. Raises StoreError when they cannot be kept."""

    def keep(self, report: IncomingReport, received_at: datetime) -> None:
        """It is the newest of its host from now on; what changed since the last goes to the history."""
        ...

    def still(self, heartbeat: Heartbeat, received_at: datetime) -> bool:
        """False, and nothing is kept, unless the newest report of the host has that digest."""
        ...
