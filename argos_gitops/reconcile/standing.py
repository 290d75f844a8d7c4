"""How a target, and the instance as a whole, stands after a pass. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from argos_gitops.model.condition import Condition, readiness
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.report import ROLLED_BACK, state_of
from argos_gitops.ports.store import SourceState, TargetState

_RANK = {
    "NoChange": 0,
    "Applied": 0,
    "Waiting": 1,
    "Declined": 2,
    ROLLED_BACK: 3,
    "Unreachable": 4,
    "Blocked": 5,
    "Failed": 6,
}
_WORST = 7
"""Every other result is the reason of an error."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A result, and why; `blocked` are the guard's reasons, one sentence each."""

    result: str
    message: str = ""
    blocked: tuple[str, ...] = ()


def overall(own: Standing, source: SourceState, targets: Mapping[ResourceKey, TargetState]) -> Standing:
    """The worst of the source and of all targets; `own` is that of the pass itself."""
    blocked = tuple(
        dict.fromkeys(
            reason
            for state in targets.values()
            if state.result == "Blocked"
            for reason in state.message.splitlines()
        )
    )
    if source.result:
        return Standing(source.result, source.message, blocked)
    worst = max(targets, key=lambda target: rank(targets[target].result), default=None)
    if worst is None or rank(targets[worst].result) <= rank(own.result):
        return Standing(own.result, own.message, blocked)
    return Standing(targets[worst].result, f"{worst}: {targets[worst].message}", blocked)


def stored_state(
    source: SourceState, targets: Mapping[ResourceKey, TargetState], conditions: Iterable[Condition]
) -> str:
    """`ports.report.state_of` by what the store holds, for commands that make no pass of their own."""
    result = overall(Standing("NoChange"), source, targets).result
    return state_of(result, readiness(conditions))


def rank(result: str) -> int:
    """The higher, the worse."""
    return _RANK.get(result, _WORST)
