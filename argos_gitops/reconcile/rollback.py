"""Whether a revision must be gone back from, and to which. Pure."""

from collections.abc import Collection, Iterable

from argos_gitops.model.change import Cause
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import TargetState

_NOT_PROBED = frozenset({"Pending", "Blocked", "Suspended", "ApplyFailed", "Failed"})


def victims(result: PassResult, unready_before: Collection[ResourceKey]) -> list[Condition]:
    """The resources that were well before this pass applied its revision, and fail their probes after it.

    Where the revision changed no target, what it did not touch fails by itself: going back mends nothing.
    """
    changed = {
        outcome.change.owner for _, outcome in result.outcomes if outcome.change.cause is Cause.REVISION
    }
    if result.own_result != "Applied" or not changed:
        return []
    suspects = changed if changed.isdisjoint(result.targets) else None
    return [
        condition
        for condition in _failing(result.conditions)
        if condition.subject not in unready_before and (suspects is None or condition.subject in suspects)
    ]


def way_back(state: TargetState, sha: str) -> str | None:
    """The revision to go back to from `sha`; None when there is none that was healthy."""
    return state.healthy if state.healthy not in (None, sha) else None


def _failing(conditions: Iterable[Condition]) -> Iterable[Condition]:
    return (
        condition
        for condition in conditions
        if condition.type == "Ready"
        and condition.status is Truth.FALSE
        and condition.reason not in _NOT_PROBED
    )
