"""Times that somebody else wrote: in UTC, within what Python can hold, or refused."""

from datetime import UTC, datetime

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """An ISO 8601 time in UTC, which is meant where no zone is named. ValueError for what is none.

    Zones make times that are before the year 1 or after 9999 in UTC: these are none either.
    """
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is outside of the years 1 to 9999 in UTC") from None


def moment_at(seconds: float) -> datetime:
    """Unix time in UTC; what is outside of 1970 to 9999 becomes the nearest that is inside."""
    try:
        return max(_EARLIEST, min(_LATEST, datetime.fromtimestamp(seconds, UTC)))
    except (OverflowError, OSError, ValueError):
        return _LATEST if seconds > 0 else _EARLIEST
