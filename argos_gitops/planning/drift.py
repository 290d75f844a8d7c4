"""What is done about drift: repaired, reported or proposed as a change of the configuration."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Cause, Change
from argos_gitops.model.plan import PROPOSED, REPORTED, Held, SystemKey
from argos_gitops.model.resource import DRIFT_ANNOTATION, AnyResource, ResourceKey
from argos_gitops.planning.diff import SystemDiff

REPAIR, REPORT, PROPOSE = "repair", "report", "propose"


def drifts(difference: SystemDiff) -> tuple[Change, ...]:
    """What the world changed, whether it waits or not."""
    held = (each.change for each in difference.held)
    return tuple(change for change in (*difference.changes, *held) if change.cause is Cause.DRIFT)


def noted(difference: SystemDiff, notes: Mapping[str, str]) -> SystemDiff:
    """The same difference with what is known of its drifts, by object id."""

    def told(change: Change) -> Change:
        note = notes.get(change.object_id) if change.cause is Cause.DRIFT else None
        return replace(change, note=note) if note else change

    return replace(
        difference,
        changes=tuple(map(told, difference.changes)),
        held=tuple(replace(each, change=told(each.change)) for each in difference.held),
    )


def proposable(difference: SystemDiff, adopt: Callable[[Change], Adoption | Unsayable]) -> SystemDiff:
    """The same difference; what was to be proposed and cannot be said in git is only reported."""

    def judged(held: Held) -> Held:
        found = adopt(held.change) if held.reason == PROPOSED else None
        if not isinstance(found, Unsayable):
            return held
        message = f"drift is reported, as git cannot say it ({found.why})"
        return replace(held, reason=REPORTED, message=message)

    return replace(difference, held=tuple(map(judged, difference.held)))


@dataclass(frozen=True, slots=True)
class DriftModes:
    """A Hold: drift that is reported or proposed is left as it is.

    An owner's annotation wins over that of its target, and that over the Agent's `default`. What nobody
    owns, and what an owner that left git has made, follows its target.
    """

    default: str = REPAIR
    annotated: Mapping[ResourceKey, str] = field(default_factory=dict)

    @classmethod
    def of(cls, resources: Iterable[AnyResource], default: str) -> "DriftModes":
        return cls(default, {each.key: each.drift for each in resources if each.drift})

    def mode(self, system: SystemKey, change: Change) -> tuple[str, str]:
        """The mode for a change, and who asks for it."""
        for key in (change.owner, system.target):
            if key in self.annotated:
                return self.annotated[key], f"{DRIFT_ANNOTATION} of {key}"
        return self.default, "spec.drift.mode of the Agent"

    def __call__(self, system: SystemKey, change: Change) -> Held | None:
        if change.cause is not Cause.DRIFT:
            return None
        mode, who = self.mode(system, change)
        if mode == REPORT:
            return Held(change, REPORTED, f"drift is reported, not repaired ({who})", intended=True)
        if mode == PROPOSE:
            return Held(change, PROPOSED, f"drift is proposed as a change of git ({who})", intended=True)
        return None
