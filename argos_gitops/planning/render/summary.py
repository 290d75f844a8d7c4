"""A plan in numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Summary:
    """How many changes there are. What drifted or must be renewed counts as that alone.

    `not_as_desired` counts what differs where nothing is ever written.
    """

    add: int = 0
    change: int = 0
    remove: int = 0
    drifted: int = 0
    renew: int = 0
    not_as_desired: int = 0

    def sentence(self) -> str:
        """`1 to add, 1 drifted`, or `nothing to change`."""
        return ", ".join(self._parts()) or "nothing to change"

    def _parts(self) -> Iterator[str]:
        counts = (
            (self.add, "to add"),
            (self.change, "to change"),
            (self.remove, "to remove"),
            (self.drifted, "drifted"),
            (self.renew, "to renew"),
            (self.not_as_desired, "not as desired"),
        )
        for count, what in counts:
            if count:
                yield f"{count:,} {what}"


def summarize(plan: Plan) -> Summary:
    counts = {"add": 0, "change": 0, "remove": 0, "drifted": 0, "renew": 0}
    for _, change in plan.changes():
        counts[_bucket(change)] += 1
    return Summary(**counts, not_as_desired=len(plan.only_told))


def verdict(plan: Plan) -> str:
    """What stands in the way: `Nothing blocked.`, or how much is."""
    parts = []
    if plan.unreachable:
        parts.append(f"{_count(len(plan.unreachable), 'system')} not observed.")
    if plan.unplanned:
        parts.append(f"{_count(len(plan.unplanned), 'resource')} could not be worked out.")
    held = sum(len(system.held) for system in plan.systems) - len(plan.only_told)
    if held:
        parts.append(f"{_count(held, 'change')} held back.")
    parts.append(
        f"Blocked for {_count(len(plan.blocked), 'reason')}." if plan.blocked else "Nothing blocked."
    )
    return " ".join(parts)


def _bucket(change: Change) -> str:
    if change.cause is Cause.DRIFT:
        return "drifted"
    if change.cause is Cause.EXPIRY:
        return "renew"
    return {Action.CREATE: "add", Action.UPDATE: "change", Action.DELETE: "remove"}[change.action]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
