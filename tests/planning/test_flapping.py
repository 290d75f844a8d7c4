"""Failure mode 7: what others change back again and again is repaired ever less often."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, log2

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from argos_gitops.model.agent import FlappingSpec
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.planning.flapping import Repairs, slowed
from tests.planning.world import CADDY, CROWDSEC, owner_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SPEC = FlappingSpec()
_WIKI = "host/wiki"

_specs = st.builds(
    FlappingSpec,
    repairs=st.integers(1, 6),
    within=st.integers(10, 3600).map(lambda count: count * SECOND),
    longest_pause=st.integers(10, 7200).map(lambda count: count * SECOND),
)


def _quarrel(repairs: Repairs, spec: FlappingSpec, every: timedelta, lasting: timedelta) -> list[datetime]:
    """Somebody undoes each repair at once; we look at it in steps of `every` and repair when we may."""
    made, now = [], NOON
    while now < NOON + lasting:
        if repairs.wait_until(CADDY, _change(), now, spec) is None:
            repairs.record(CADDY, _change(), now, spec)
            made.append(now)
        now += every
    return made


def _change(cause: Cause = Cause.DRIFT) -> Change:
    return Change(Action.UPDATE, cause, _WIKI, owner_of(_WIKI), {"value": 1}, {"value": 2})


def test_fm07_the_pause_between_repairs_doubles_up_to_the_longest() -> None:
    """Three repairs within ten minutes are flapping; from then on each waits twice as long."""
    made = _quarrel(Repairs(), SPEC, every=15 * SECOND, lasting=timedelta(hours=3))
    pauses = [(later - earlier) / SECOND for earlier, later in pairwise(made)]
    assert pauses == [15, 15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]


@pytest.mark.slow
@given(_specs, st.integers(1, 30), st.integers(1, 48))
def test_fm07_repairs_are_few_however_long_it_lasts(spec: FlappingSpec, every: int, hours: int) -> None:
    """As many as it takes to notice, then as many as doublings, then one in each of the longest pauses."""
    lasting = timedelta(hours=hours)
    assume(max(1, spec.repairs - 1) * every * SECOND <= spec.within)
    made = _quarrel(Repairs(), spec, every * SECOND, lasting)
    doublings = ceil(log2(max(2, spec.longest_pause / SECOND)))
    assert len(made) <= spec.repairs + doublings + lasting / spec.longest_pause + 1


@given(_specs, st.lists(st.integers(0, 5000), max_size=40))
def test_a_pause_is_never_longer_than_the_longest(spec: FlappingSpec, gaps: list[int]) -> None:
    repairs, now = Repairs(), NOON
    for gap in gaps:
        now += gap * SECOND
        repairs.record(CADDY, _change(), now, spec)
        until = repairs.wait_until(CADDY, _change(), now, spec)
        assert until is None or now < until <= now + spec.longest_pause


@given(_specs, st.integers(1, 5))
def test_few_repairs_never_wait(spec: FlappingSpec, count: int) -> None:
    repairs = Repairs()
    for number in range(min(count, spec.repairs - 1)):
        repairs.record(CADDY, _change(), NOON + number * SECOND, spec)
    assert repairs.wait_until(CADDY, _change(), NOON + 10 * SECOND, spec) is None
    assert not repairs.flapping(CADDY, NOON + 10 * SECOND, spec)


def test_repairs_far_apart_are_no_flapping() -> None:
    repairs = Repairs()
    for number in range(20):
        repairs.record(CADDY, _change(), NOON + number * timedelta(minutes=6), SPEC)
        assert not repairs.flapping(CADDY, NOON + number * timedelta(minutes=6), SPEC)


def test_a_repair_that_lasts_ends_it() -> None:
    """It stays flapping for the pause and the span after the last repair; the next drift is a new matter."""
    repairs = Repairs()
    for number in range(3):
        repairs.record(CADDY, _change(), NOON + number * SECOND, SPEC)
    last = NOON + 2 * SECOND
    assert repairs.flapping(CADDY, last + timedelta(minutes=10), SPEC) == {owner_of(_WIKI)}
    assert not repairs.flapping(CROWDSEC, last, SPEC)
    much_later = last + timedelta(minutes=11)
    assert not repairs.flapping(CADDY, much_later, SPEC)
    repairs.record(CADDY, _change(), much_later, SPEC)
    assert repairs.wait_until(CADDY, _change(), much_later, SPEC) is None


def test_fm07_a_new_revision_starts_afresh() -> None:
    """What git says now may be what the others wanted."""
    repairs = Repairs()
    repairs.follow("a" * 40)
    for number in range(3):
        repairs.record(CADDY, _change(), NOON + number * SECOND, SPEC)
    repairs.follow("a" * 40)
    assert repairs.wait_until(CADDY, _change(), NOON + 3 * SECOND, SPEC) is not None
    repairs.follow("b" * 40)
    assert repairs.wait_until(CADDY, _change(), NOON + 3 * SECOND, SPEC) is None


def test_what_git_changes_never_counts() -> None:
    repairs = Repairs()
    for number in range(10):
        repairs.record(CADDY, _change(Cause.REVISION), NOON + number * SECOND, SPEC)
    assert not repairs.flapping(CADDY, NOON + 10 * SECOND, SPEC)


def test_only_drift_waits_and_only_of_the_object_that_flaps() -> None:
    repairs = Repairs()
    for number in range(3):
        repairs.record(CADDY, _change(), NOON + number * SECOND, SPEC)
    hold = slowed(repairs, NOON + 3 * SECOND, SPEC)
    assert hold(CADDY, _change(Cause.REVISION)) is None
    held = hold(CADDY, _change(Cause.DRIFT))
    assert held is not None
    assert (held.reason, held.until, held.intended) == ("Flapping", NOON + 4 * SECOND, False)
    assert held.message == (
        "Host/wiki is flapping (others change it again and again): next repair at 12:00 UTC"
    )
    assert slowed(Repairs(), NOON, SPEC)(CADDY, _change(Cause.DRIFT)) is None
