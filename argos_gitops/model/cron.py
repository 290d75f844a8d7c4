"""Times that come again and again, as people write them: a cron expression and a time zone."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

_EXPECTED = "expected a cron expression of five fields, such as 0 22 * * 1-5"
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""What crontab(5) takes in place of five fields, and what to write instead."""


def _checked_cron(value: str) -> str:
    from cronsim import CronSim, CronSimError

    if value in MACROS:
        raise ValueError(f"{value} is no expression of five fields; write {MACROS[value]}")
    try:
        CronSim(value, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{str(error).lower()}; {_EXPECTED}") from None
    if len(value.split()) != 5:
        raise ValueError(f"wrong number of fields; {_EXPECTED}")
    return value


def _checked_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Berlin or UTC") from None
    return value


Cron = Annotated[str, Field(max_length=100, examples=["0 22 * * 1-5"]), AfterValidator(_checked_cron)]
"""Minute, hour, day, month and day of the week from Sunday (0 or 7), such as `0 22 * * 1-5`."""

TimeZone = Annotated[str, AfterValidator(_checked_zone)]
"""A name of the IANA database, such as `Europe/Berlin`."""
