"""What one pass could see, arranged by the questions that alarms ask. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import Failure, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.control import AGENT
from argos_gitops.ports.report import PassResult

_OF_TARGETS = frozenset(
    {"NoChange", "Applied", "Waiting", "Declined", "RolledBack", "Unreachable", "Blocked", "Failed"}
)
"""Results that are told by what led to them; every other one is the reason of an error."""
_NOBODYS_NEWS = frozenset({"Locked", "LeaseLost", "Interrupted", "Declined"})
"""A pass that somebody stopped, or that found another one at work, says nothing about the world."""


@dataclass(frozen=True)
class Seen:
    """A pass, as far as people are to be told of it."""

    result: PassResult

    @property
    def nothing(self) -> bool:
        return (self.result.own_result or self.result.result) in _NOBODYS_NEWS

    @property
    def source_failure(self) -> str:
        """Why git's newest revision could not be had, or was rejected, as far as this pass tells."""
        result = self.result
        return result.result if result.target is None and result.resources is None else ""

    @property
    def source_well(self) -> bool:
        """The result is that of the source before that of any target."""
        return self.result.resources is not None and self.result.result in _OF_TARGETS

    @cached_property
    def targets(self) -> Sequence[ResourceKey]:
        """Those that this pass was over."""
        passed = {part.system.target for part in self._parts}
        if self.result.target is not None:
            passed.add(self.result.target)
        return sorted(passed)

    def is_target(self, key: ResourceKey) -> bool:
        return key in self.targets or key in self.result.targets

    def systems(self, target: ResourceKey) -> Sequence[SystemPlan]:
        return [part for part in self._parts if part.system.target == target]

    def failures(self, target: ResourceKey) -> Sequence[Failure]:
        """Why systems of the target could not be looked at."""
        return [part.failure for part in self.systems(target) if part.failure is not None]

    def outcomes(self, target: ResourceKey) -> Sequence[Outcome]:
        return [outcome for system, outcome in self.result.outcomes if system.target == target]

    def failed(self, target: ResourceKey) -> Sequence[Outcome]:
        return [outcome for outcome in self.outcomes(target) if outcome.result is Result.FAILED]

    def blocked(self, target: ResourceKey) -> Sequence[str]:
        """The guard's reasons, where they kept the plan from being applied."""
        if self.outcomes(target):
            return ()
        return [reason for part in self.systems(target) for reason in part.blocked]

    def broken_by(self, target: ResourceKey) -> Failure | None:
        """The error that ended the pass over the target, where it was none of its own results."""
        state = self.result.targets.get(target)
        if state is None or state.result in _OF_TARGETS | _NOBODYS_NEWS or not state.result:
            return None
        return Failure(state.result, state.message)

    @cached_property
    def ready(self) -> Mapping[ResourceKey, Condition]:
        """The Ready condition of each subject that this pass can speak of."""
        return {each.subject: each for each in self._conditions if each.type == "Ready"}

    @cached_property
    def drifted(self) -> Mapping[ResourceKey, Condition]:
        """What is drifted and was not repaired, and what was."""
        return {
            each.subject: each
            for each in self._conditions
            if each.type == "Drifted" and each.status is Truth.TRUE
        }

    @cached_property
    def flapping(self) -> frozenset[ResourceKey]:
        """What the world changes again and again; it is not told each time that it was repaired."""
        found = (each for each in self._conditions if each.type == "Flapping")
        return frozenset(each.subject for each in found if each.status is Truth.TRUE)

    @cached_property
    def suspended(self) -> Mapping[str, str]:
        """Why, by subject. Whatever belongs to something that is suspended itself is not told apart."""
        everything = [each for each in self.result.orders.suspensions if each.subject == AGENT]
        if everything:
            return {AGENT: f"by {everything[0].by}: {everything[0].reason}".rstrip(": ")}
        subjects = {key: each for key, each in self.ready.items() if each.reason == "Suspended"}
        whole = set(subjects) & set(self.targets)
        return {str(key): each.message for key, each in subjects.items() if not whole or key in whole}

    @cached_property
    def drift(self) -> Mapping[ResourceKey, Sequence[Change]]:
        """The changes that the world made necessary, by owner."""
        found: dict[ResourceKey, list[Change]] = {}
        plan = self.result.plan
        if plan is not None:
            held = [each.change for _, each in plan.held()]
            for change in (*(change for _, change in plan.changes()), *held):
                if change.cause == "drift":
                    found.setdefault(change.owner, []).append(change)
        return found

    @cached_property
    def _parts(self) -> Sequence[SystemPlan]:
        return self.result.plan.systems if self.result.plan is not None else ()

    @cached_property
    def _conditions(self) -> Sequence[Condition]:
        elsewhere = self.result.elsewhere - self.result.scheduled
        return [each for each in self.result.conditions if each.subject not in elsewhere]
