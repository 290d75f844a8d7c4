"""What one pass has come to know so far, and what it amounts to at its end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import ArgosError, ManifestError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import Failure, Held, Plan, SystemKey
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.model.source import Revision
from argos_gitops.planning.flapping import FLAPPING
from argos_gitops.planning.holds import sentences
from argos_gitops.ports.control import Orders
from argos_gitops.ports.proposal import Proposal
from argos_gitops.ports.report import ROLLED_BACK
from argos_gitops.reconcile.act import Acted
from argos_gitops.reconcile.look import Look
from argos_gitops.reconcile.standing import Standing


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a pass would act on: everything up to the plan."""

    resources: ResourceSet
    plan: Plan
    looks: tuple[Look, ...]


@dataclass
class Trip:
    """Grows step by step; whatever is missing at the end was not reached.

    `target` is the only one that the pass is over; None means all of them. `rejected` is why git's newest
    revision is not the one in force, `instead_of` the revision that a target went back from.
    """

    at: datetime
    target: ResourceKey | None = None
    rejected: ArgosError | None = None
    instead_of: str | None = None
    back: Mapping[ResourceKey, Failure] = field(default_factory=dict)
    revision: Revision | None = None
    events: Sequence[str] = ()
    resources: ResourceSet | None = None
    plan: Plan | None = None
    looks: tuple[Look, ...] = ()
    acted: dict[SystemKey, Acted] = field(default_factory=dict)
    proposals: Sequence[Proposal] = ()
    declined: bool = False
    error: BaseException | None = None
    durations: dict[str, float] = field(default_factory=dict)
    orders: Orders = field(default_factory=Orders)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measures a step; what happens twice is added up."""
        began = perf_counter()
        try:
            yield
        finally:
            self.durations[name] = self.durations.get(name, 0.0) + perf_counter() - began

    @property
    def sha(self) -> str | None:
        return self.revision.sha if self.revision is not None else None

    @property
    def result(self) -> str:
        """Applied, NoChange, Waiting, Declined, RolledBack, Unreachable, Failed, or an error's reason."""
        return self.standing().result

    @property
    def message(self) -> str:
        return self.standing().message

    @property
    def latest(self) -> Iterator[Look]:
        """What was seen last of each system."""
        for look in self.looks:
            acted = self.acted.get(look.system.key)
            yield look if acted is None else acted.after

    def standing(self, target: ResourceKey | None = None) -> Standing:
        """How the pass ended, for all that it was over or for one target of it."""
        if self.error is not None:
            return Standing(reason_of(self.error), _message(self.error))
        if self.declined:
            return Standing("Declined")
        outcomes = [o for key, o in self.outcomes if target in (None, key.target)]
        missed = sum(o.result is not Result.DONE and o.change.owner not in self.back for o in outcomes)
        if missed:
            return Standing("Failed", f"{missed} of {len(outcomes)} changes failed")
        for look in self._latest_of(target):
            if look.plan.failure is not None:
                return Standing("Unreachable", look.plan.failure.message)
        unknown = [each for look in self._latest_of(target) for each in look.plan.notices if each.unplanned]
        if unknown:
            return Standing("Failed", unknown[0].message)
        back = self.back_on(target)
        if back:
            return Standing(ROLLED_BACK, f"{back[0].subject} {back[0].message}")
        waiting = self._waiting(target)
        if waiting:
            return Standing("Waiting", "; ".join(sentences(waiting)))
        return Standing("Applied" if outcomes else "NoChange")

    def back_on(self, target: ResourceKey | None) -> list[Failure]:
        """What went back alone, on all targets or on one."""
        looks = (look for look in self.looks if target in (None, look.system.target.key))
        return [each for look in looks for each in look.plan.notices if each.subject in self.back]

    def _waiting(self, target: ResourceKey | None) -> list[Held]:
        """What the revision wants and something else holds back."""
        held = (each for look in self._latest_of(target) for each in look.plan.held)
        return [each for each in held if not each.intended]

    def _latest_of(self, target: ResourceKey | None) -> list[Look]:
        return [look for look in self.latest if target in (None, look.system.target.key)]

    @property
    def problems(self) -> Sequence[Problem]:
        error = self.error or self.rejected
        return error.problems if isinstance(error, ManifestError) else ()

    @property
    def outcomes(self) -> list[tuple[SystemKey, Outcome]]:
        return [(key, outcome) for key, acted in sorted(self.acted.items()) for outcome in acted.outcomes]

    @property
    def complete(self) -> bool:
        """Whether every system holds exactly what the revision says."""
        return self.completed(None)

    def completed(self, target: ResourceKey | None) -> bool:
        """The same for the systems of one target."""
        looks = [look for look in self.looks if target in (None, look.system.target.key)]
        acted = [self.acted.get(look.system.key) for look in looks]
        return self.error is None and all(each is not None and each.settled for each in acted)

    def changed(self, target: ResourceKey) -> bool:
        return any(key.target == target for key, _ in self.outcomes)

    @property
    def fingerprint(self) -> str | None:
        """Identifies a pass that found everything converged, the time aside; None for all others."""
        if not self.complete or self.revision is None or any(acted.outcomes for acted in self.acted.values()):
            return None
        memos = [acted.after.converged for acted in self.acted.values()]
        if None in memos:
            return None
        rejected = "" if self.rejected is None else str(self.rejected)
        return digest_of([self.revision.sha, rejected, sorted(self._memos()), sorted(self._ailments())])

    def _memos(self) -> Iterator[list[str]]:
        for key, acted in self.acted.items():
            if acted.after.converged is not None:
                yield [str(key), acted.after.converged.desired, acted.after.converged.live]

    def _ailments(self) -> Iterator[list[str]]:
        for acted in self.acted.values():
            for condition in acted.verified:
                if condition.status is not Truth.TRUE:
                    yield [str(condition.subject), condition.type, condition.reason, condition.message]
            for owner in acted.after.flapping:
                yield [str(owner), FLAPPING]


def reason_of(error: BaseException) -> str:
    return error.reason if isinstance(error, ArgosError) else "Interrupted"


def _message(error: BaseException) -> str:
    if isinstance(error, ManifestError):
        count = len(error.problems)
        return f"{count} problem{'s' if count > 1 else ''}"
    return str(error) if isinstance(error, ArgosError) else ""
