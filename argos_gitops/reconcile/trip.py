"""What one pass has come to know so far, and what it amounts to at its end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import ArgosError, ManifestError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import Plan, SystemKey
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceSet
from argos_gitops.model.source import Revision
from argos_gitops.reconcile.act import Acted
from argos_gitops.reconcile.look import Look


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a pass would act on: everything up to the plan."""

    resources: ResourceSet
    plan: Plan
    looks: tuple[Look, ...]


@dataclass
class Trip:
    """Grows step by step; whatever is missing at the end was not reached."""

    at: datetime
    revision: Revision | None = None
    events: Sequence[str] = ()
    resources: ResourceSet | None = None
    plan: Plan | None = None
    looks: tuple[Look, ...] = ()
    acted: dict[SystemKey, Acted] = field(default_factory=dict)
    declined: bool = False
    error: BaseException | None = None

    @property
    def sha(self) -> str | None:
        return self.revision.sha if self.revision is not None else None

    @property
    def result(self) -> str:
        """Applied, NoChange, Declined, Unreachable, Failed, or the reason of the error that ended it."""
        if isinstance(self.error, ArgosError):
            return self.error.reason
        if self.error is not None:
            return "Interrupted"
        if self.declined:
            return "Declined"
        if any(outcome.result is not Result.DONE for _, outcome in self.outcomes):
            return "Failed"
        if self.plan is not None and self.plan.unreachable:
            return "Unreachable"
        return "Applied" if self.outcomes else "NoChange"

    @property
    def message(self) -> str:
        if isinstance(self.error, ManifestError):
            count = len(self.error.problems)
            return f"{count} problem{'s' if count > 1 else ''}"
        return str(self.error) if isinstance(self.error, ArgosError) else ""

    @property
    def problems(self) -> Sequence[Problem]:
        return self.error.problems if isinstance(self.error, ManifestError) else ()

    @property
    def outcomes(self) -> list[tuple[SystemKey, Outcome]]:
        return [(key, outcome) for key, acted in sorted(self.acted.items()) for outcome in acted.outcomes]

    @property
    def complete(self) -> bool:
        """Whether every system holds exactly what the revision says."""
        return (
            self.error is None
            and len(self.acted) == len(self.looks)
            and all(acted.settled for acted in self.acted.values())
        )

    @property
    def fingerprint(self) -> str | None:
        """Identifies a pass that found everything converged, the time aside; None for all others."""
        if not self.complete or self.revision is None or any(acted.outcomes for acted in self.acted.values()):
            return None
        memos = [acted.after.converged for acted in self.acted.values()]
        if None in memos:
            return None
        return digest_of([self.revision.sha, sorted(self._memos()), sorted(self._ailments())])

    def _memos(self) -> Iterator[list[str]]:
        for key, acted in self.acted.items():
            if acted.after.converged is not None:
                yield [str(key), acted.after.converged.desired, acted.after.converged.live]

    def _ailments(self) -> Iterator[list[str]]:
        for acted in self.acted.values():
            for condition in acted.verified:
                if condition.status is not Truth.TRUE:
                    yield [str(condition.subject), condition.type, condition.reason, condition.message]
