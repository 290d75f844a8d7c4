"""What the history of a host's reports tells: how a difference came about, and what is in a restart loop."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from argos_gitops.model.change import Action, Change
from argos_gitops.model.containers import Container, ContainerChange
from argos_gitops.ports.reports import HostReports

LOOP_WITHIN = timedelta(minutes=10)
LOOP_RESTARTS = 3
"""So many restarts within that time are a loop, whatever the state of the moment."""

_MOST = 200
_TOLD: Mapping[str, str] = {
    "gone": "was gone",
    "appeared": "appeared",
    "recreated": "was made anew",
    "state": "went from {before} to {after}",
    "health": "went from {before} to {after}",
    "image": "changed its image from {before} to {after}",
    "restarts": "had been restarted {after} times, not {before}",
}


def looping(
    reports: HostReports, host_id: str, containers: Iterable[Container], at: datetime
) -> frozenset[str]:
    """The names of containers that are restarted again and again, by the reports until `at`."""
    return frozenset(
        container["name"]
        for container in containers
        if (container.get("restartCount") or 0) >= LOOP_RESTARTS and _young(container, at)
        if _restarts(reports.history(host_id, container["name"], _MOST), at) >= LOOP_RESTARTS
    )


def note_of(change: Change, names: Sequence[str], history: Sequence[ContainerChange]) -> str:
    """How one difference came about, by the newest change of its containers; empty when none is known."""
    for each in history:
        if each.container in names and _explains(each, change):
            told = _TOLD[each.what].format(before=each.before or "none", after=each.after or "none")
            return f"container {each.container} {told}, by the report of {each.at:%Y-%m-%d %H:%M:%S} UTC"
    return ""


def _explains(past: ContainerChange, change: Change) -> bool:
    """Whether what happened then can have led to what differs now."""
    if change.action is Action.CREATE:
        return past.what == "gone"
    if change.action is Action.DELETE:
        return past.what == "appeared"
    fields = {field.name for field in change.fields}
    if past.what in fields:
        return True
    if past.what == "restarts":
        return "state" in fields
    return past.what in ("recreated", "appeared")


def _young(container: Container, at: datetime) -> bool:
    """Whether it was started lately; asked before the history is."""
    try:
        started = datetime.fromisoformat(str(container.get("startedAt") or ""))
    except ValueError:
        return True
    return started.tzinfo is None or at - started < LOOP_WITHIN


def _restarts(history: Iterable[ContainerChange], at: datetime) -> int:
    """How often it was restarted within the time that counts."""
    counts = [each for each in history if each.what == "restarts" and at - each.at < LOOP_WITHIN]
    return sum(max(0, _number(each.after) - _number(each.before)) for each in counts)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
