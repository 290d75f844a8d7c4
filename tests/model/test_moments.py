"""Times that somebody else wrote."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.moments import moment_at, parse_moment
from argos_gitops.model.spec import parse_duration


def test_a_time_is_in_utc() -> None:
    assert parse_moment("2026-01-01T12:00:00+02:00") == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert parse_moment("2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "NaN", "", "\0"])
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # whatever it says
        parse_moment(text)


@given(st.one_of(st.integers(), st.floats()))
def test_any_number_is_some_moment(seconds: float) -> None:
    """A commit may say any: git keeps what it is given."""
    assert 1970 <= moment_at(seconds).year <= 9999


@given(st.integers(min_value=0), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_any_duration_is_one_or_a_value_error(count: int, unit: str) -> None:
    try:
        assert isinstance(parse_duration(f"{count}{unit}"), timedelta)
    except ValueError as error:
        assert "at most" in str(error)  # noqa: PT017 # either is right
