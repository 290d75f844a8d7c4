"""Times that a comparison leaves out."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.status import times

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given UTC


@given(MOMENTS, MOMENTS)
def test_documents_that_differ_by_our_times_alone_are_the_same(one: datetime, other: datetime) -> None:
    def document(when: datetime) -> bytes:
        return f"- at: {times.for_programs(when)}\n  x: 1\nSince {times.for_people(when)}.\n".encode()

    assert times.without_times(document(one)) == times.without_times(document(other))


def test_other_times_are_content() -> None:
    one, other = b"until: 2027-01-01T00:00:00Z\n", b"until: 2028-01-01T00:00:00Z\n"
    assert times.without_times(one) != times.without_times(other)


@given(MOMENTS)
def test_what_programs_read_is_exact_to_the_second(when: datetime) -> None:
    assert times.parse(times.for_programs(when)) == when.replace(microsecond=0)


def test_every_time_is_told_in_utc() -> None:
    local = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert times.for_people(local) == "2025-12-31 23:00:00 UTC"
    assert times.for_names(local) == "20251231T230000Z"
