"""How the parts of a running agent are, for people and for other processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Subsystem:
    """One part: `source`, `status-branch`, `notifications`, `Edge/main` …

    `state` is ok, failing, waiting (in backoff, or until `next_run` for another reason), suspended,
    or running. `detail` is what it does now, or why it waits.
    """

    name: str
    state: str
    last_run: datetime | None = None
    last_success: datetime | None = None
    error: str = ""
    next_run: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """One running agent process, as it described itself at `seen_at` (the database's time)."""

    name: str
    seen_at: datetime
    targets: tuple[str, ...]
    subsystems: tuple[Subsystem, ...]
    started_at: datetime | None = None
    version: str = ""


ALIVE = timedelta(seconds=30)
"""A replica that was not heard of for so long is not running, or as good as that."""


THREADS = "threads"
"""The name of the subsystem that tells of the long-lived threads of a process."""


class Replicas(Protocol):
    """The replicas of one instance."""

    def beat(self, replica: Replica) -> None:
        """Keeps the description; `seen_at` is set by the store."""
        ...

    def all(self) -> Sequence[Replica]:
        """Those that were seen within the last hour, in the order of their names."""
        ...

    def now(self) -> datetime:
        """The store's time, to tell how old `seen_at` is."""
        ...

    def forget(self, name: str) -> None: ...
