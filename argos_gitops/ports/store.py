"""What is kept between passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from argos_gitops.model.condition import Condition
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey


@dataclass(frozen=True, slots=True)
class Converged:
    """A desired and a live state between which nothing was to do, until `until` if that is set."""

    desired: str
    live: str
    until: datetime | None = None


class Inventory(Protocol):
    """What we applied to each system; only this, or what carries our mark, may be pruned."""

    def entries(self, system: SystemKey) -> Mapping[str, InventoryEntry]: ...

    def record(self, system: SystemKey, applied: Sequence[InventoryEntry], removed: Sequence[str]) -> None:
        """Keeps `applied` and forgets the object ids in `removed`, in one transaction."""
        ...

    def converged(self, system: SystemKey) -> Converged | None: ...

    def set_converged(self, system: SystemKey, state: Converged | None) -> None: ...

    def systems(self) -> Mapping[SystemKey, bytes]:
        """The target documents of all systems that we ever applied to and have not emptied since.

        They let a system be cleaned up after its target has left the repository.
        """
        ...

    def remember_system(self, system: SystemKey, document: bytes) -> None: ...

    def forget_system(self, system: SystemKey) -> None: ...


@dataclass(frozen=True, slots=True)
class PassRecord:
    """One finished pass, as `history` shows it."""

    at: datetime
    revision: str
    subject: str
    result: str
    plan_digest: str
    summary: str


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which revision was last tried, applied to every target, and found healthy."""

    attempted: str | None = None
    applied: str | None = None
    applied_at: datetime | None = None
    healthy: str | None = None


class StatusStore(Protocol):
    def revisions(self) -> Revisions: ...

    def set_revisions(self, revisions: Revisions) -> None: ...

    def conditions(self) -> Sequence[Condition]: ...

    def exceptions(self) -> Sequence[Condition]:
        """All conditions but those that say Ready: few, where the resources are many."""
        ...

    def set_conditions(self, conditions: Sequence[Condition]) -> Sequence[Condition]:
        """Replaces all, and gives them back as kept: one that repeats the last keeps its `since`."""
        ...

    def add_pass(self, record: PassRecord) -> None: ...

    def passes(self, limit: int) -> Sequence[PassRecord]:
        """The newest passes, newest first."""
        ...

    def reported(self) -> str | None:
        """The fingerprint of the last pass that every reporter has told to the end."""
        ...

    def set_reported(self, fingerprint: str | None) -> None: ...
