"""What has become of the alarms that were open before a pass. Pure."""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from argos_gitops.model.condition import Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.notify.seen import Seen
from argos_gitops.ports.control import AGENT
from argos_gitops.ports.outbox import Alarm


class Fate(Enum):
    """Of an alarm that the pass does not raise (again)."""

    OVER = auto()
    """It has ended, which people want to know."""
    GONE = auto()
    """There is nothing any more that it could be about, or another event tells of its end."""
    UNKNOWN = auto()
    """This pass cannot tell."""


def fate_of(alarm: Alarm, seen: Seen) -> Fate:
    """Of an alarm that is open, and is none of the states of this pass."""
    judge = _JUDGES.get(alarm.name)
    return Fate.UNKNOWN if judge is None else judge(alarm, seen)


def _source(alarm: Alarm, seen: Seen) -> Fate:
    """A rejected revision was at least read; one that cannot be read may still be invalid."""
    if seen.source_well:
        return Fate.OVER
    order = ("SourceUnavailable", "UnverifiedCommit", "ConfigurationRejected")
    reached = {"InvalidConfiguration": 2, "UnverifiedCommit": 1}.get(seen.source_failure, 0)
    return Fate.OVER if order.index(alarm.name) < reached else Fate.UNKNOWN


def _target(alarm: Alarm, seen: Seen) -> Fate:
    target = ResourceKey.parse(alarm.subject)
    if target not in seen.targets:
        forgotten = seen.result.targets and target not in seen.result.targets
        return Fate.GONE if forgotten else Fate.UNKNOWN
    if alarm.name == "RolledBack":
        return Fate.OVER if target in seen.result.targets else Fate.UNKNOWN
    whole = seen.systems(target) and not seen.failures(target) and seen.broken_by(target) is None
    return Fate.OVER if whole else Fate.UNKNOWN


def _resource(alarm: Alarm, seen: Seen) -> Fate:
    key = ResourceKey.parse(alarm.subject)
    resources, ready = seen.result.resources, seen.ready.get(key)
    if resources is not None and resources.get(key) is None:
        return Fate.GONE
    if ready is None:
        spoken_of = not seen.result.conditions or key in seen.result.elsewhere
        return Fate.UNKNOWN if spoken_of else Fate.GONE
    if alarm.name == "ResourceUnhealthy":
        return Fate.OVER if ready.status is Truth.TRUE else Fate.UNKNOWN
    if ready.status is Truth.UNKNOWN and any(seen.failures(target) for target in seen.targets):
        return Fate.UNKNOWN
    if alarm.name == "DriftDetected" and key in seen.drifted:
        return Fate.GONE  # repaired, which is told
    return Fate.OVER


def _suspended(alarm: Alarm, seen: Seen) -> Fate:
    if alarm.subject == AGENT:
        return Fate.OVER if seen.targets else Fate.UNKNOWN
    if any(subject != alarm.subject for subject in seen.suspended if subject in _wholes(seen)):
        return Fate.UNKNOWN
    return _resource(alarm, seen)


def _wholes(seen: Seen) -> frozenset[str]:
    """What holds everything below it while it is suspended."""
    return frozenset({AGENT, *map(str, seen.targets)})


_JUDGES: Mapping[str, Callable[[Alarm, Seen], Fate]] = {
    **dict.fromkeys(("SourceUnavailable", "UnverifiedCommit", "ConfigurationRejected"), _source),
    **dict.fromkeys(
        ("TargetUnreachable", "PassFailed", "PassBlocked", "TargetDegraded", "RolledBack"), _target
    ),
    **dict.fromkeys(("ResourceUnhealthy", "DriftDetected", "Flapping"), _resource),
    "Suspended": _suspended,
}
