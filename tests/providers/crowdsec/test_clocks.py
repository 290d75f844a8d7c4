"""Two clocks that do not agree: bans are compared by the time left, and nothing is written blindly."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import TransientError
from tests.providers.crowdsec.edge import BannedEdge, ShiftedClock, decision, edge
from tests.providers.crowdsec.stand_in import Reply, StandInLapi

_WEEK = timedelta(days=7)


@pytest.fixture
def lapi() -> Iterator[StandInLapi]:
    with StandInLapi() as lapi:
        yield lapi


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def banned(lapi: StandInLapi, clock: ShiftedClock, tmp_path: Path) -> Iterator[BannedEdge]:
    """An Edge with one ban that stands, and one with an end."""
    with BannedEdge(edge("main", lapi.url), tmp_path, "secret", clock=clock) as banned:
        banned.want(decision("x", "203.0.113.7"), decision("y", "203.0.113.8", until="2099-01-01T00:00:00Z"))
        banned.apply()
        assert lapi.values() == ["203.0.113.7", "203.0.113.8"]
        yield banned


@pytest.mark.parametrize("skew", [_WEEK, -_WEEK, timedelta(hours=2), timedelta(minutes=-6)])
def test_a_clock_that_is_wrong_plans_no_bans_anew_and_says_so(
    lapi: StandInLapi, clock: ShiftedClock, banned: BannedEdge, skew: timedelta
) -> None:
    """Ours is moved: each pass added all bans again, a week ahead."""
    clock.by = skew
    live, found = banned.look()
    assert found.changes == ()
    [notice] = live.notices
    assert notice.reason == "ClockSkew"
    assert ("ahead of" if skew > timedelta() else "behind") in notice.message
    written = lapi.count("POST", "/v1/alerts")
    banned.want(decision("z", "192.0.2.1"))
    live, found = banned.look()
    with pytest.raises(TransientError, match="timedatectl") as refused:
        list(banned.provider.apply(live, found.changes))
    assert refused.value.reason == "ClockSkew"
    assert lapi.count("POST", "/v1/alerts") == written
    assert lapi.count("DELETE", "/v1/decisions") == 0
    assert lapi.values() == ["203.0.113.7", "203.0.113.8"]


def test_a_clock_of_lapi_that_is_wrong_is_the_same(lapi: StandInLapi, banned: BannedEdge) -> None:
    """It is told, and no change follows from it."""
    lapi.skew = timedelta(hours=2)
    live, found = banned.look()
    assert found.changes == ()
    assert [notice.reason for notice in live.notices] == ["ClockSkew"]


@pytest.mark.parametrize("skew", [timedelta(minutes=4), timedelta(minutes=-4)])
def test_a_little_skew_does_no_harm(
    lapi: StandInLapi, clock: ShiftedClock, banned: BannedEdge, skew: timedelta
) -> None:
    """Bans last as long as they should by LAPI's clock, and the next look finds nothing to do."""
    clock.by = skew
    banned.want(decision("x", "203.0.113.9"))
    banned.apply()
    assert lapi.values() == ["203.0.113.9"]
    [row] = lapi.standing()
    assert abs(row["until"] - lapi.now() - _WEEK) < timedelta(seconds=60)
    live, found = banned.look()
    assert (found.changes, list(live.notices)) == ((), [])


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_jumps_between_plan_and_apply_writes_nothing(
    lapi: StandInLapi, clock: ShiftedClock, banned: BannedEdge, jump: timedelta
) -> None:
    banned.want(decision("z", "192.0.2.1"))
    live, found = banned.look()
    clock.by = jump
    with pytest.raises(TransientError) as refused:
        list(banned.provider.apply(live, found.changes))
    assert refused.value.reason == "ClockSkew"
    assert lapi.values() == ["203.0.113.7", "203.0.113.8"]
    clock.by = timedelta()
    banned.apply()
    assert lapi.values() == ["192.0.2.1"]


def test_an_answer_without_a_date_is_believed_by_our_clock(lapi: StandInLapi, banned: BannedEdge) -> None:
    lapi.lies["GET", "/v1/alerts"] = lambda asked: Reply(content=None, headers={"Date": "yesterday"})
    live, _ = banned.look()
    assert live.ahead == timedelta()
