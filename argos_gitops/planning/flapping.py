"""Drift that comes back after each repair: noticed, and repaired less and less often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from argos_gitops.model.agent import FlappingSpec
from argos_gitops.model.change import Cause, Change
from argos_gitops.model.plan import Held, SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.holds import Hold

FLAPPING = "Flapping"

_SHORTEST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Streak:
    """Repairs of one object that follow each other: the newest of them, and the pause once it flaps."""

    owner: ResourceKey
    repairs: tuple[datetime, ...] = ()
    pause: timedelta | None = None

    @property
    def next_repair(self) -> datetime:
        return self.repairs[-1] + (self.pause or timedelta())

    def flaps(self, now: datetime, spec: FlappingSpec) -> bool:
        return self.pause is not None and not self.calm(now, spec)

    def calm(self, now: datetime, spec: FlappingSpec) -> bool:
        """Whether nobody has undone the last repair for so long that what comes next is another matter."""
        return now > self.next_repair + spec.within

    def followed_by(self, at: datetime, spec: FlappingSpec) -> "_Streak":
        if self.pause is not None:
            return _Streak(self.owner, (at,), min(2 * self.pause, spec.longest_pause))
        repairs = (*self.repairs, at)[-spec.repairs :]
        return _Streak(self.owner, repairs, _first_pause(repairs, spec))


def _first_pause(repairs: tuple[datetime, ...], spec: FlappingSpec) -> timedelta | None:
    """Twice the time between the repairs so far; None while they are too few within the span."""
    span = repairs[-1] - repairs[0]
    if len(repairs) < spec.repairs or span > spec.within:
        return None
    usual = span / max(1, len(repairs) - 1)
    return min(max(2 * usual, _SHORTEST_PAUSE), spec.longest_pause)


class Repairs:
    """How often the objects of one target were repaired lately. Kept between passes.

    An object flaps from `spec.repairs` repairs within `spec.within` on. Each further repair then waits twice
    as long as the one before it, `spec.longest_pause` at most, until nobody undid one for `spec.within`, or
    git moves.
    """

    def __init__(self) -> None:
        self._streaks: dict[tuple[SystemKey, str], _Streak] = {}
        self._revision = ""

    def follow(self, revision: str) -> None:
        """A new revision may have ended the quarrel, so everything is forgotten."""
        if revision != self._revision:
            self._streaks.clear()
            self._revision = revision

    def record(self, system: SystemKey, change: Change, at: datetime, spec: FlappingSpec) -> None:
        """One change that was made; only drift that was repaired counts, never what git changed."""
        if change.cause is not Cause.DRIFT:
            return
        known = self._streaks.get((system, change.object_id))
        if known is None or known.calm(at, spec):
            known = _Streak(change.owner)
        self._streaks[system, change.object_id] = known.followed_by(at, spec)

    def wait_until(
        self, system: SystemKey, change: Change, now: datetime, spec: FlappingSpec
    ) -> datetime | None:
        """When the object may be repaired again; None when it may be now."""
        known = self._streaks.get((system, change.object_id))
        if change.cause is not Cause.DRIFT or known is None or not known.flaps(now, spec):
            return None
        return known.next_repair if known.next_repair > now else None

    def flapping(self, system: SystemKey, now: datetime, spec: FlappingSpec) -> frozenset[ResourceKey]:
        """The owners of what flaps, also while nothing of it has to be repaired."""
        return frozenset(
            streak.owner
            for (where, _), streak in tuple(self._streaks.items())
            if where == system and streak.flaps(now, spec)
        )


def slowed(repairs: Repairs, now: datetime, spec: FlappingSpec) -> Hold:
    """What flaps waits for its next repair."""

    def hold(system: SystemKey, change: Change) -> Held | None:
        until = repairs.wait_until(system, change, now, spec)
        if until is None:
            return None
        who = f"{change.owner} is flapping (others change it again and again)"
        return Held(change, FLAPPING, f"{who}: next repair at {until:%H:%M} UTC", until=until)

    return hold
