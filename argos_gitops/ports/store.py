"""What is kept between passes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from argos_gitops.model.condition import Condition
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.lock import Hold


@dataclass(frozen=True, slots=True)
class Converged:
    """A desired and a live state between which nothing was to do, until `until` if that is set."""

    desired: str
    live: str
    until: datetime | None = None


class Inventory(Protocol):
    """What we applied to each system; only this, or what carries our mark, may be pruned."""

    def under(self, hold: Hold) -> "Inventory":
        """The same, for whoever holds the lock of a target: each write to its systems checks the fence.

        A write that comes after somebody else took the lock, however late it wakes up, keeps nothing
        and raises TransientError (reason LeaseLost).
        """
        ...

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
    target: str = ""
    """The one target that it was over; empty for a pass over all of them."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which revision was last tried, applied to every target, and found healthy."""

    attempted: str | None = None
    applied: str | None = None
    applied_at: datetime | None = None
    healthy: str | None = None


@dataclass(frozen=True, slots=True)
class TargetState:
    """How the last pass over one target ended, and which revisions it knows.

    `held` is a revision that the target went back from: it is not tried again. `synced` is the number
    of the newest request that was answered (`Controls.request_sync`).
    """

    attempted: str | None = None
    applied: str | None = None
    applied_at: datetime | None = None
    healthy: str | None = None
    held: str | None = None
    result: str = ""
    message: str = ""
    at: datetime | None = None
    synced: int = 0


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the last look at the source ended; an empty `result` means well."""

    result: str = ""
    message: str = ""
    synced: int = 0


@dataclass(frozen=True, slots=True)
class Untold:
    """Why one reporter (`status branch`, `forge`, `proposals`) could not tell its last report.

    It has failed since then without a success in between.
    """

    reason: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ResourceState:
    """How one resource that goes back by itself last was healthy, and whether it had to go back to that.

    `digest` and `document` are of the healthy resource, `revision` is where it stood so. `held` is the digest
    of the one that failed after it, `failed` the revision of that, `why` what was wrong.
    """

    digest: str
    document: bytes
    revision: str
    held: str = ""
    failed: str = ""
    why: str = ""


class StatusStore(Protocol):
    """What is known of one instance. Conditions belong to the target whose pass found them."""

    def revisions(self) -> Revisions: ...

    def move_revisions(self, known: Revisions, revisions: Revisions) -> None:
        """Keeps what differs from `known`; what another pass moved since then stays."""
        ...

    def source(self) -> SourceState: ...

    def set_source(self, state: SourceState) -> None: ...

    def targets(self) -> Mapping[ResourceKey, TargetState]: ...

    def set_target(self, target: ResourceKey, state: TargetState) -> None: ...

    def keep_targets(self, targets: Collection[ResourceKey]) -> None:
        """Forgets all others, with their conditions and resources."""
        ...

    def resources_of(self, target: ResourceKey) -> Mapping[ResourceKey, ResourceState]:
        """The resources on a target that were healthy once and go back by themselves."""
        ...

    def held_resources(self) -> Mapping[ResourceKey, ResourceState]:
        """Those that had to go back, whatever their target."""
        ...

    def set_resource(self, target: ResourceKey, resource: ResourceKey, state: ResourceState) -> None: ...

    def untold(self) -> Mapping[str, Untold]:
        """The reporters whose last report failed, by their names."""
        ...

    def set_untold(self, reporter: str, state: Untold | None) -> None:
        """Keeps it; None when the reporter could tell its report."""
        ...

    def conditions(self) -> Sequence[Condition]:
        """Of all targets; where several speak of one subject and type, the worst."""
        ...

    def conditions_of(self, subject: ResourceKey) -> Sequence[Condition]:
        """Those of one resource, in the order of their types."""
        ...

    def exceptions(self) -> Sequence[Condition]:
        """All conditions but those that say Ready: few, where the resources are many."""
        ...

    def set_conditions(
        self, conditions: Mapping[ResourceKey, Sequence[Condition]]
    ) -> Mapping[ResourceKey, Sequence[Condition]]:
        """Replaces those of the given targets, and gives back all targets' as they are kept.

        One that repeats the last keeps its `since`.
        """
        ...

    def add_pass(self, record: PassRecord) -> None: ...

    def passes(self, limit: int) -> Sequence[PassRecord]:
        """The newest passes, newest first."""
        ...

    def reported(self, scope: str) -> str | None:
        """The fingerprint of the last pass over `scope` that every reporter has told to the end."""
        ...

    def set_reported(self, scope: str, fingerprint: str | None) -> None:
        """Keeps it; None forgets that of every scope, as there is news."""
        ...
