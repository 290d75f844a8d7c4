"""What the end of a pass tells the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from argos_gitops.model.change import Outcome
from argos_gitops.model.condition import Condition, Readiness, readiness
from argos_gitops.model.plan import Plan, SystemKey
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.model.source import Revision
from argos_gitops.ports.control import Orders
from argos_gitops.ports.proposal import Proposal
from argos_gitops.ports.store import Revisions, TargetState

DONE = frozenset({"Applied", "NoChange"})
"""Results after which everything stands as the revision says."""

ROLLED_BACK = "RolledBack"
"""The result where a target, or a resource alone, went back to how it was healthy."""

WELL = DONE | {"Waiting"}
"""Results after which nothing is wrong, though something may be held back."""


UNTOLD = frozenset({"Locked", "Declined"})
"""Results of passes that say nothing about the world, and are not told."""

SYNCED, NOT_READY = "Synced", "NotReady"


def state_of(result: str, ready: Readiness) -> str:
    """The one word for how an instance stands, from which pages, exit codes and messages follow.

    `Synced` when everything stands as the revision says and nothing is seen failing, `NotReady` when it
    stands but something fails, else the result that keeps it from standing.
    """
    if result not in DONE:
        return result
    return NOT_READY if ready.unready else SYNCED


@dataclass(frozen=True, slots=True)
class PassResult:
    """All that one pass saw and did, and how the whole instance stands after it.

    `result` is Applied, NoChange, Waiting, Declined, Failed, Unreachable, RolledBack, or the reason of the
    error that keeps the instance from its newest revision (InvalidConfiguration, SourceError, Blocked,
    StalePlan …); `message` explains it. It is the worst of the source and of all `targets`, so that a
    target that is well never hides another. `target` is the one that this pass was over; None means all.

    `plan` and `outcomes` are of this pass alone; `conditions` are those of all targets, and `elsewhere`
    names the resources that only others than this pass know about: passes over other targets, and the jobs
    of those that are `scheduled`. `applied_digests` holds the
    resources that stand on their target as this revision has them. `durations` are seconds by phase,
    `proposals` what git would have to say for drift to be right as it is.
    `orders` is what people had asked for when the pass looked.
    """

    at: datetime
    result: str
    message: str
    revision: Revision | None
    plan: Plan | None
    outcomes: Sequence[tuple[SystemKey, Outcome]]
    conditions: Sequence[Condition]
    problems: Sequence[Problem]
    resources: ResourceSet | None
    applied_digests: Mapping[ResourceKey, str]
    revisions: Revisions
    events: Sequence[str] = ()
    own_result: str = ""
    """How this pass itself ended, where that is not `result`."""
    target: ResourceKey | None = None
    targets: Mapping[ResourceKey, TargetState] = field(default_factory=dict)
    blocked: Sequence[str] = ()
    elsewhere: frozenset[ResourceKey] = frozenset()
    scheduled: frozenset[ResourceKey] = frozenset()
    durations: Mapping[str, float] = field(default_factory=dict)
    proposals: Sequence[Proposal] = ()
    orders: Orders = field(default_factory=Orders)

    @property
    def readiness(self) -> Readiness:
        return readiness(self.conditions)

    @property
    def state(self) -> str:
        """See `state_of`."""
        return state_of(self.result, self.readiness)


class Reporter(Protocol):
    def report(self, result: PassResult) -> None:
        """Tells one place about a pass; called on every way out of it."""
        ...
