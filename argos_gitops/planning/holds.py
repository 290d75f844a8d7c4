"""What keeps a needed change from being made for now: suspension, protection, and whatever else is a Hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from argos_gitops.model.change import Action, Change
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import NOT_AS_DESIRED, Held, SystemKey
from argos_gitops.model.resource import PRUNE_ANNOTATION, SUSPEND_ANNOTATION, ResourceKey

Hold = Callable[[SystemKey, Change], Held | None]
"""Says of one change of a system why it must wait; None has no objection. Pure."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """The resources and targets that nothing is done to, each with who or what says so.

    `everything` says so of all that there is; empty where nobody does.
    """

    subjects: Mapping[ResourceKey, str] = field(default_factory=dict)
    everything: str = ""

    def why(self, key: ResourceKey) -> str:
        """The sentence for a resource or a target; empty when it is not suspended."""
        if self.everything:
            return f"the agent is suspended ({self.everything})"
        who = self.subjects.get(key)
        return f"{key} is suspended ({who})" if who else ""

    def of(self, target: ResourceKey, owners: Iterable[ResourceKey]) -> dict[ResourceKey, str]:
        """The sentences for a target, and for those of `owners` that are suspended by themselves."""
        keys = [target] if self.everything else [target, *(key for key in owners if key in self.subjects)]
        return {key: why for key in keys if (why := self.why(key))}

    def __call__(self, system: SystemKey, change: Change) -> Held | None:
        for key in (system.target, change.owner):
            why = self.why(key)
            if why:
                asked_in_git = not self.everything and self.subjects[key] == SUSPEND_ANNOTATION
                return Held(change, "Suspended", why, intended=asked_in_git)
        return None


def protected(inventory: Mapping[str, InventoryEntry]) -> Hold:
    """Keeps what was applied under prune protection, although git has it no more."""

    def hold(system: SystemKey, change: Change) -> Held | None:
        entry = inventory.get(change.object_id)
        if change.action is not Action.DELETE or entry is None or not entry.protected:
            return None
        message = f"{change.owner} is gone from git, and what it made stays ({PRUNE_ANNOTATION} is disabled)"
        return Held(change, "Protected", message, intended=True)

    return hold


def observed_only(system: SystemKey, change: Change) -> Held:
    """A Hold for a target that only reports: what differs is told, and left to whoever has a hand on it."""
    return Held(change, NOT_AS_DESIRED, f"{system.target} only reports", intended=True)


def first_objection(holds: Sequence[Hold], system: SystemKey, change: Change) -> Held | None:
    return next((held for hold in holds if (held := hold(system, change)) is not None), None)


def sentences(held: Iterable[Held]) -> tuple[str, ...]:
    """What waits and why, one sentence for each message, in the order of the changes."""
    groups: dict[str, list[Held]] = {}
    for each in held:
        groups.setdefault(each.message, []).append(each)
    return tuple(f"{message}: {_waiting(waiting)}" for message, waiting in groups.items())


def _waiting(held: Sequence[Held]) -> str:
    first = held[0]
    if first.only_told:
        count = f"{len(held):,} differences are" if len(held) > 1 else "1 difference is"
        return f"{count} to be put right there"
    if len(held) > 1:
        return f"{len(held):,} changes wait"
    return f"the {first.change.action} of {first.change.object_id} waits"
