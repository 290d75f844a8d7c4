"""What the end of a pass tells the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from argos_gitops.model.change import Outcome
from argos_gitops.model.condition import Condition
from argos_gitops.model.plan import Plan, SystemKey
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.model.source import Revision
from argos_gitops.ports.store import Revisions


@dataclass(frozen=True, slots=True)
class PassResult:
    """All that one pass saw and did.

    `result` is Applied, NoChange, Declined, Failed, Unreachable, or the reason of the error that
    ended the pass (InvalidConfiguration, SourceError, Blocked, StalePlan …); `message` explains it.
    `applied_digests` holds the resources that stand on their target as this revision has them.
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


class Reporter(Protocol):
    def report(self, result: PassResult) -> None:
        """Tells one place about a pass; called on every way out of it."""
        ...
