"""A plan: for each system of each target, what would be done and why, or why nothing can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.model.change import Change
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.source import Revision


@dataclass(frozen=True, slots=True, order=True)
class SystemKey:
    """One system that we write to: a target and the provider that speaks to it (`Edge/main caddy`)."""

    target: ResourceKey
    provider: str

    def __str__(self) -> str:
        return f"{self.target} {self.provider}"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a system or with one resource on it: a stable reason and a sentence.

    `subject` is the resource that it concerns; None means the target as a whole. `condition` is what is
    then not true of it (`PolicyCompliant`); by default a resource is not Ready, and a target is Degraded.
    `location` is the place in the repository that it comes from, where there is one. `unplanned`: what the
    subject asks for could not be worked out, so that the plan lacks it and may not be called complete.
    """

    reason: str
    message: str
    subject: ResourceKey | None = None
    condition: str = ""
    location: Location | None = None
    unplanned: bool = False


REPORTED, PROPOSED = "Reported", "Proposed"
"""Reasons of drift that stays as it is, because git says that it is not to be repaired."""

NOT_AS_DESIRED = "NotAsDesired"
"""Reason of a difference on a target that nothing is ever written to, as it only reports."""


@dataclass(frozen=True, slots=True)
class Held:
    """A change that is needed, and is not made for now. `reason` is stable and CamelCase.

    `message` says what holds it back, the same for everything that this holds back; `until` is when it
    ends by itself. `intended`: the revision itself asks for it, so that it counts as applied all the same.
    """

    change: Change
    reason: str
    message: str
    until: datetime | None = None
    intended: bool = False

    @property
    def accepted(self) -> bool:
        """Whether it is drift that stays: it is told as such, and Ready says what was proved last."""
        return self.reason in (REPORTED, PROPOSED)

    @property
    def only_told(self) -> bool:
        """Whether nobody but others can ever make it."""
        return self.reason == NOT_AS_DESIRED


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """The changes of one system, in the order in which they are applied.

    `existing` counts the live objects under our management by kind of owner, for the guard's shares.
    `blocked` holds the guard's reasons; `held` are changes that wait, for a suspension or a closed window
    say; `notices` are sentences worth reading that block nothing. Of a system that is `observed_only`
    nothing is changed: whatever differs there is held.
    """

    system: SystemKey
    changes: tuple[Change, ...] = ()
    live_fingerprint: str = ""
    existing: tuple[tuple[str, int], ...] = ()
    blocked: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    notices: tuple[Failure, ...] = ()
    failure: Failure | None = None
    observed_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Deterministic: the same revision, live state and key give the same plan and digest.

    `key_id` tells with which key digest and fingerprints were made: those of two keys cannot be compared.
    """

    revision: Revision
    systems: tuple[SystemPlan, ...]
    digest: str
    key_id: str
    applied_revision: str | None = None
    applied_at: datetime | None = None

    def changes(self) -> Iterator[tuple[SystemKey, Change]]:
        for system in self.systems:
            for change in system.changes:
                yield system.system, change

    def held(self) -> Iterator[tuple[SystemKey, Held]]:
        for system in self.systems:
            for held in system.held:
                yield system.system, held

    @property
    def short(self) -> str:
        """The digest as people read it; an approval needs more of it."""
        return self.digest[:6]

    @property
    def empty(self) -> bool:
        return not any(system.changes for system in self.systems)

    @property
    def only_told(self) -> tuple[Held, ...]:
        """What differs where nothing is ever written."""
        return tuple(held for _, held in self.held() if held.only_told)

    @property
    def unplanned(self) -> tuple[Failure, ...]:
        """What could not be worked out, so that nothing is said of it here."""
        return tuple(each for system in self.systems for each in system.notices if each.unplanned)

    @property
    def blocked(self) -> tuple[str, ...]:
        return tuple(reason for system in self.systems for reason in system.blocked)

    @property
    def unreachable(self) -> tuple[SystemPlan, ...]:
        return tuple(system for system in self.systems if system.failure is not None)
