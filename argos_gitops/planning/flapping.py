"""Drift that comes back after each repair: noticed, and repaired less and less often."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argos_gitops.model.agent import FlappingSpec
from argos_gitops.model.change import Cause, Change
from argos_gitops.model.plan import Held, SystemKey

FLAPPING = "Flapping"

_SHORTEST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Streak:
    """Repairs of one object that follow each other: the newest of them, and the pause once it flaps."""

    repairs: tuple[datetime, ...]
    pause: timedelta | None = None

    @property
    def last(self) -> datetime:
        return self.repairs[-1]

    @property
    def next_repair(self) -> datetime:
        return self.last + (self.pause or timedelta())

    def calm(self, now: datetime, spec: FlappingSpec) -> bool:
        """Whether nobody has undone the last repair for so long that what comes next is another matter."""
        return now > self.next_repair + spec.within

    def followed_by(self, at: datetime, spec: FlappingSpec) -> "_Streak":
        if self.pause is not None:
            return _Streak((at,), min(2 * self.pause, spec.longest_pause))
        repairs = (*self.repairs, at)[-spec.repairs :]
        return _Streak(repairs, _first_pause(repairs, spec))


def _first_pause(repairs: tuple[datetime, ...], spec: FlappingSpec) -> timedelta | None:
    """Twice the time between the repairs so far; None while they are too few within the span."""
    span = repairs[-1] - repairs[0]
    if len(repairs) < spec.repairs or span > spec.within:
        return None
    usual = span / max(1, len(repairs) - 1)
    return min(max(2 * usual, _SHORTEST_PAUSE), spec.longest_pause)


class Repairs:
    """How often the objects of one target were repaired lately. Kept between passes, by one thread.

    An object flaps from `spec.repairs` repairs within `spec.within` on. Each further repair then waits twice
    as long as the one before it, `spec.longest_pause` at most, until nobody undid one for `spec.within`, or
    git moves.
    """

    def __init__(self) -> None:
        self._streaks: dict[Hashable, _Streak] = {}
        self._revision = ""

    def follow(self, revision: str) -> None:
        """A new revision may have ended the quarrel, so everything is forgotten."""
        if revision != self._revision:
            self._streaks.clear()
            self._revision = revision

    def record(self, object_id: Hashable, at: datetime, spec: FlappingSpec) -> None:
        """One repair; for drift alone, never for what git changed."""
        streak = self._streaks.get(object_id, _Streak(()))
        if streak.repairs and streak.calm(at, spec):
            streak = _Streak(())
        self._streaks[object_id] = streak.followed_by(at, spec)

    def flaps(self, object_id: Hashable, now: datetime, spec: FlappingSpec) -> bool:
        known = self._streaks.get(object_id)
        return known is not None and known.pause is not None and not known.calm(now, spec)

    def wait_until(self, object_id: Hashable, now: datetime, spec: FlappingSpec) -> datetime | None:
        """When the object may be repaired again; None when it may be now."""
        if not self.flaps(object_id, now, spec):
            return None
        until = self._streaks[object_id].next_repair
        return until if until > now else None


def slowed(repairs: Repairs, now: datetime, spec: FlappingSpec) -> Callable[[SystemKey, Change], Held | None]:
    """A Hold: what flaps waits for its next repair."""

    def hold(system: SystemKey, change: Change) -> Held | None:
        if change.cause is not Cause.DRIFT:
            return None
        until = repairs.wait_until((system, change.object_id), now, spec)
        if until is None:
            return None
        message = (
            f"{change.owner} is flapping (others change it again and again): next repair at {until:%H:%M} UTC"
        )
        return Held(change, FLAPPING, message, until=until)

    return hold
