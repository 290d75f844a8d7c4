"""What people ask of a running agent. It is kept, so that it reaches every replica and outlives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

AGENT = "Agent"
"""The subject that stands for the whole instance."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Nothing is done to `subject` (`Host/wiki`, `Edge/main`, or AGENT) until somebody resumes it."""

    subject: str
    by: str
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """The revision that a person went back to; git is not followed until somebody resumes AGENT."""

    revision: str
    by: str
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """Closed windows are ignored until `until`: an emergency."""

    until: datetime
    by: str
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """All that people ask for, as it stands at one moment: what the agent follows, not what it was told."""

    suspensions: tuple[Suspension, ...] = ()
    pin: Pin | None = None
    override: Override | None = None

    def __bool__(self) -> bool:
        return bool(self.suspensions or self.pin or self.override)


class Controls(Protocol):
    """Of one instance. What is done here is audited by whoever does it."""

    def version(self) -> int:
        """Grows with each change of anything below; cheap, for whoever asks every second."""
        ...

    def suspensions(self) -> Sequence[Suspension]: ...

    def suspend(self, suspension: Suspension) -> None: ...

    def resume(self, subject: str) -> bool:
        """Whether it was suspended."""
        ...

    def pin(self) -> Pin | None: ...

    def set_pin(self, pin: Pin | None) -> None: ...

    def override(self, now: datetime) -> Override | None:
        """The one that holds at `now`."""
        ...

    def set_override(self, override: Override | None) -> None: ...

    def approve(self, digest: str, by: str, at: datetime) -> None:
        """Lets the agent apply the one plan of this digest, whatever the guard says."""
        ...

    def approvals(self) -> Sequence[str]:
        """The digests that were approved, newest first."""
        ...

    def request_sync(self, by: str, at: datetime) -> int:
        """Asks for a look at everything; the number of the request."""
        ...

    def newest_request(self) -> int:
        """0 when there never was one."""
        ...
