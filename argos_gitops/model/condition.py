"""Conditions: what is true of a resource or a target now, and since when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from argos_gitops.model.resource import ResourceKey

LAST_RUN = "LastRun"
"""What the last run of a Schedule did or found: news, and nothing amiss."""


class Truth(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One statement about `subject`. `type` is Ready, Reconciling, Stalled, Drifted or LAST_RUN.

    `since` is when the status last changed; it is no part of what makes two conditions equal.
    """

    subject: ResourceKey
    type: str
    status: Truth
    reason: str
    message: str = ""
    since: datetime | None = None

    def same_as(self, other: "Condition") -> bool:
        """Equal but for the time."""
        return (self.subject, self.type, self.status, self.reason, self.message) == (
            other.subject,
            other.type,
            other.status,
            other.reason,
            other.message,
        )


@dataclass(frozen=True, slots=True)
class Readiness:
    """How many subjects have a Ready condition, how many of them are ready, and which ones are not.

    The status branch, the command line and exit codes all count with this, so that they agree.
    `unready` are the subjects whose Ready condition is False; Unknown is neither.
    """

    total: int = 0
    ready: int = 0
    unready: tuple[ResourceKey, ...] = ()

    def __str__(self) -> str:
        counts = f"{self.ready:,} of {self.total:,} ready"
        return f"{counts}, {len(self.unready):,} not ready" if self.unready else counts


def readiness(conditions: Iterable[Condition]) -> Readiness:
    """Counts the Ready conditions, of which each subject has one."""
    found = [condition for condition in conditions if condition.type == "Ready"]
    return Readiness(
        total=len(found),
        ready=sum(condition.status is Truth.TRUE for condition in found),
        unready=tuple(sorted(c.subject for c in found if c.status is Truth.FALSE)),
    )


def worst(groups: Iterable[Iterable[Condition]]) -> list[Condition]:
    """One condition for each subject and type, in their order: no success hides a failure."""
    found: dict[tuple[ResourceKey, str], Condition] = {}
    for condition in (each for group in groups for each in group):
        identity = (condition.subject, condition.type)
        if identity not in found or _worse(condition, found[identity]):
            found[identity] = condition
    return [found[identity] for identity in sorted(found)]


def _worse(condition: Condition, known: Condition) -> bool:
    order = (Truth.FALSE, Truth.UNKNOWN, Truth.TRUE)
    return order.index(condition.status) < order.index(known.status)
