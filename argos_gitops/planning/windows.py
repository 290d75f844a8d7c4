"""When a target may be written to: allow and deny windows, and when a closed target opens. Pure.

Schedules are those of crontab(5): five fields, days of the week from Sunday (0 or 7), names and ranges.
Around a change of the clock they follow Debian's cron (cronsim, README): a beginning that the clock skips
is at the first minute after it, one that the clock repeats is at the first of both. How long a window
lasts is time that passes, whatever the clock does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from argos_gitops.model.change import Cause, Change
from argos_gitops.model.plan import Held, SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.window import WindowSpec
from argos_gitops.planning.holds import Hold

_MOST_STEPS = 100
"""So many windows in a row are followed to tell when a target opens; then it is closed for good."""

_MOST_CLOCKS_JUMP = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a target is closed, and from when on it is open again; None when no time is in sight."""

    why: str
    until: datetime | None

    @property
    def sentence(self) -> str:
        """Without its subject: `is closed until …`."""
        until = "for good" if self.until is None else f"until {self.until:%Y-%m-%d %H:%M} UTC"
        return f"is closed {until} ({self.why})"


def closed(
    windows: Sequence[WindowSpec], target: ResourceKey, now: datetime, override: datetime | None = None
) -> Closed | None:
    """Why `target` may not be written to at `now`; None when it may.

    Until `override`, an emergency, no window counts.
    """
    if override is not None and now < override:
        return None
    ours = [window for window in windows if not window.targets or str(target) in window.targets]
    closure = _closure(ours, now)
    if closure is None:
        return None
    return Closed(closure[0], _opening(ours, closure[1]))


def window_hold(
    windows: Sequence[WindowSpec],
    now: datetime,
    *,
    override: datetime | None = None,
    going_back: bool = False,
) -> Hold:
    """Holds whatever is on a closed target, but for what would do harm by waiting.

    A standing ban must not run out for a window, so it is renewed; and with `going_back`, from a revision
    that failed its probes, that revision does not stay because the window it came through has closed.
    """
    known: dict[ResourceKey, Closed | None] = {}

    def hold(system: SystemKey, change: Change) -> Held | None:
        if change.cause is Cause.EXPIRY or (going_back and change.cause is Cause.REVISION):
            return None
        target = system.target
        if target not in known:
            known[target] = closed(windows, target, now, override)
        found = known[target]
        return (
            None if found is None else Held(change, "WindowClosed", f"{target} {found.sentence}", found.until)
        )

    return hold


def _opening(windows: Sequence[WindowSpec], after: datetime | None) -> datetime | None:
    """The first time from `after` on at which nothing closes."""
    for _ in range(_MOST_STEPS):
        closure = _closure(windows, after) if after is not None else None
        if closure is None:
            return after
        after = closure[1]
    return None


def _closure(windows: Sequence[WindowSpec], now: datetime) -> tuple[str, datetime | None] | None:
    """What closes at `now`, and when that one thing is over; None where nothing does."""
    ends = [(end, window) for window in _of_kind(windows, "deny") if (end := _end(window, now)) is not None]
    if ends:
        end, window = max(ends, key=lambda pair: pair[0])
        return _told(window), end
    allowing = _of_kind(windows, "allow")
    if not allowing or any(_end(window, now) is not None for window in allowing):
        return None
    begins = [_next_beginning(window, now) for window in allowing]
    return "no allow window is open", min(filter(None, begins), default=None)


def _of_kind(windows: Sequence[WindowSpec], kind: str) -> list[WindowSpec]:
    return [window for window in windows if window.kind_ == kind]


def _told(window: WindowSpec) -> str:
    return f"deny window {window.schedule!r} {window.time_zone}" + (window.reason and f": {window.reason}")


def _end(window: WindowSpec, now: datetime) -> datetime | None:
    """When `window` ends, if `now` is within it.

    Searched backwards from a little later, because a clock that was put back hides an hour.
    """
    later = _beginnings(window, now + _MOST_CLOCKS_JUMP, backwards=True)
    begun = takewhile(lambda begin: begin > now - window.duration, later)
    begins = next((begin for begin in begun if begin <= now), None)
    return None if begins is None else begins + window.duration


def _next_beginning(window: WindowSpec, now: datetime) -> datetime | None:
    return next((begin for begin in _beginnings(window, now) if begin > now), None)


def _beginnings(window: WindowSpec, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    return beginnings(window.schedule, window.time_zone, start, backwards=backwards)


def beginnings(
    schedule: str, time_zone: str, start: datetime, *, backwards: bool = False
) -> Iterator[datetime]:
    """From `start` on or back, in UTC: aware times of one zone compare by what their clock shows."""
    from cronsim import CronSim

    local = start.astimezone(ZoneInfo(time_zone))
    for begin in CronSim(schedule, local, reverse=backwards):
        yield begin.astimezone(UTC)


def last_beginning(schedule: str, time_zone: str, now: datetime) -> datetime | None:
    """The newest time at or before `now` that a cron expression names, in UTC.

    Searched backwards from a little later, because a clock that was put back hides an hour.
    """
    later = beginnings(schedule, time_zone, now + _MOST_CLOCKS_JUMP, backwards=True)
    return next((begin for begin in later if begin <= now), None)
