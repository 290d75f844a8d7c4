"""Windows: what closes a target, and when it opens; around changes of the clock, too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from argos_gitops.model.change import Cause
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.window import WindowSpec
from argos_gitops.planning.holds import Hold
from argos_gitops.planning.windows import closed, window_hold
from tests.planning.plans import MOVE, RENEWAL, REPAIR
from tests.planning.world import CADDY, EDGE

OTHER = ResourceKey("Edge", "other")
NOON = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)  # a Wednesday


def window(kind: str, schedule: str, duration: str = "8h", **more: object) -> WindowSpec:
    return WindowSpec.model_validate({"kind": kind, "schedule": schedule, "duration": duration, **more})


def opens(windows: Sequence[WindowSpec], now: datetime = NOON) -> datetime | None:
    found = closed(windows, EDGE, now)
    assert found is not None
    return found.until


def is_open(windows: Sequence[WindowSpec], now: datetime = NOON, target: ResourceKey = EDGE) -> bool:
    return closed(windows, target, now) is None


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return local.astimezone(UTC)


def test_without_windows_everything_is_open() -> None:
    assert is_open([])


def test_a_deny_window_closes_while_it_lasts() -> None:
    lunch = window("deny", "0 12 * * *", "1h", reason="lunch")
    found = closed([lunch], EDGE, NOON)
    assert found is not None
    assert found.sentence == "is closed until 2026-06-03 13:00 UTC (deny window '0 12 * * *' UTC: lunch)"
    assert is_open([lunch], NOON - timedelta(seconds=1))
    assert is_open([lunch], NOON + timedelta(hours=1))


def test_with_an_allow_window_all_other_time_is_closed() -> None:
    night = window("allow", "0 22 * * *")
    assert opens([night]) == at("2026-06-03T22:00")
    assert is_open([night], at("2026-06-03T22:00"))
    assert is_open([night], at("2026-06-04T05:59"))
    assert not is_open([night], at("2026-06-04T06:00"))


def test_deny_wins_over_allow_and_the_opening_is_after_both() -> None:
    windows = [window("allow", "0 10 * * *"), window("deny", "0 11 * * *", "2h")]
    assert opens(windows) == at("2026-06-03T13:00")


def test_an_opening_is_told_behind_windows_that_meet() -> None:
    """The deny window ends outside of every allow window: the next of these is the opening."""
    windows = [window("allow", "0 10 * * *", "2h"), window("deny", "30 11 * * *", "30m")]
    assert opens(windows, at("2026-06-03T11:45")) == at("2026-06-04T10:00")


def test_windows_in_a_row_are_one() -> None:
    days = [window("deny", "0 0 * * 1-5", "24h")]
    assert opens(days) == at("2026-06-06T00:00")


def test_what_never_opens_is_closed_for_good() -> None:
    found = closed([window("deny", "* * * * *", "1h")], EDGE, NOON)
    assert found is not None
    assert found.until is None
    assert "is closed for good" in found.sentence


def test_a_window_is_for_its_targets_only() -> None:
    windows = [window("allow", "0 22 * * *", targets=["Edge/other"])]
    assert is_open(windows)
    assert not is_open(windows, target=OTHER)


@pytest.mark.parametrize("days", ["0", "7", "SUN", "sun"])
def test_days_of_the_week_are_those_of_crontab(days: str) -> None:
    """0 and 7 are Sunday; APScheduler would take 0 for Monday and refuse 7."""
    assert opens([window("allow", f"0 0 * * {days}")]) == at("2026-06-07T00:00")


@pytest.mark.parametrize("days", ["1-5", "MON-FRI"])
def test_a_range_of_days_is_a_working_week(days: str) -> None:
    windows = [window("allow", f"0 0 * * {days}", "24h")]
    assert is_open(windows, at("2026-06-05T23:59"))
    assert opens(windows, at("2026-06-06T00:00")) == at("2026-06-08T00:00")


def test_a_beginning_that_the_clock_skips_comes_right_after_it() -> None:
    """Berlin, 2026-03-29: 02:00 is 03:00 at once, and 02:30 never is."""
    windows = [window("allow", "30 2 * * *", "1h", timeZone="Europe/Berlin")]
    assert opens(windows, at("2026-03-29T01:00", "Europe/Berlin")) == at("2026-03-29T03:00", "Europe/Berlin")
    assert is_open(windows, at("2026-03-29T03:59", "Europe/Berlin"))
    assert not is_open(windows, at("2026-03-29T04:00", "Europe/Berlin"))


def test_a_beginning_that_the_clock_repeats_is_the_first_of_both() -> None:
    """Berlin, 2026-10-25: 03:00 is 02:00 again. The window of 90 minutes ends in the second 02:45."""
    windows = [window("allow", "15 2 * * *", "90m", timeZone="Europe/Berlin")]
    first, second = (at("2026-10-25T02:10", "Europe/Berlin", fold) for fold in (0, 1))
    assert not is_open(windows, first)
    assert is_open(windows, second)
    assert is_open(windows, at("2026-10-25T02:44", "Europe/Berlin", 1))
    assert not is_open(windows, at("2026-10-25T02:45", "Europe/Berlin", 1))
    assert opens(windows, at("2026-10-25T02:50", "Europe/Berlin", 1)) == at(
        "2026-10-26T02:15", "Europe/Berlin"
    )


def test_a_window_lasts_as_long_as_it_says_whatever_the_clock_does() -> None:
    windows = [window("deny", "0 22 * * *", "8h", timeZone="Europe/Berlin")]
    shown = "2026-03-28T23:00"
    assert opens(windows, at(shown, "Europe/Berlin")) == at("2026-03-29T07:00", "Europe/Berlin")


def test_an_override_opens_everything_until_it_ends() -> None:
    windows = [window("deny", "0 0 * * *", "24h")]
    assert closed(windows, EDGE, NOON, override=NOON + timedelta(minutes=1)) is None
    assert closed(windows, EDGE, NOON, override=NOON) is not None


def test_a_closed_target_holds_changes_and_lets_renewals_pass() -> None:
    """A standing ban must not run out because its edge is closed."""
    hold: Hold = window_hold([window("deny", "0 12 * * *", "1h")], NOON)
    for change in (MOVE, REPAIR):
        held = hold(CADDY, change)
        assert held is not None
        assert (held.reason, held.until, held.intended) == ("WindowClosed", at("2026-06-03T13:00"), False)
    assert hold(CADDY, RENEWAL) is None
    assert hold(replace(CADDY, target=OTHER), replace(RENEWAL, cause=Cause.DRIFT)) is not None


def test_a_revision_that_failed_does_not_stay_because_a_window_closed() -> None:
    hold = window_hold([window("deny", "0 12 * * *", "1h")], NOON, going_back=True)
    assert hold(CADDY, MOVE) is None
    assert hold(CADDY, REPAIR) is not None


_schedules = st.sampled_from(
    [
        "0 22 * * *",
        "*/20 * * * *",
        "30 2 * * *",
        "0 0 1 * *",
        "15 3 * * 7",
        "0 9-17 * * MON-FRI",
        "5 4 * 3,10 *",
    ]
)
_zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
)
_windows = st.lists(
    st.builds(
        lambda kind, schedule, duration, zone: window(kind, schedule, duration, timeZone=zone),
        st.sampled_from(["allow", "deny"]),
        _schedules,
        st.sampled_from(["10m", "1h", "8h", "36h", "7d"]),
        st.sampled_from(
            ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
        ),
    ),
    max_size=4,
)
_times = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 # aware by `timezones`


@given(_windows, _times)
def test_a_target_opens_when_it_was_told_and_not_before(windows: list[WindowSpec], now: datetime) -> None:
    """Whatever the zones and clocks: open at the told time, closed right before it."""
    found = closed(windows, EDGE, now)
    if found is not None and found.until is not None:
        assert found.until > now
        assert is_open(windows, found.until)
        assert not is_open(windows, found.until - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("0 22 * *", "expected a cron expression of five fields"),
        ("0 22 * * 8", "bad day-of-week"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 22 * * 1", "wrong number of fields"),
        ("99 22 * * *", "bad minute"),
    ],
)
def test_a_schedule_that_is_none_is_refused(schedule: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        window("deny", schedule)
