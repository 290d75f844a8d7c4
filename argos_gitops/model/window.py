"""When the agent may write: windows in time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from argos_gitops.model.spec import Duration, SpecModel, key_reference

_CRON = "expected a cron expression of five fields, such as 0 22 * * 1-5"


class WindowSpec(SpecModel):
    """A span of time that begins whenever `schedule` says. A deny window wins over every allow window.

    Where there is any allow window for a target, the time outside of all of them is closed.
    """

    kind_: Literal["allow", "deny"] = Field(
        alias="kind", description="Whether the agent may write within it, or may not."
    )
    schedule: str = Field(
        min_length=9,
        max_length=100,
        description="Its beginnings as a cron expression of five fields: minute, hour, day, month and day of "
        "the week from Sunday (0 or 7), such as `0 22 * * 1-5`.",
    )
    duration: Duration = Field(description="How long it lasts each time.")
    time_zone: str = Field("UTC", description="Time zone of the schedule, such as Europe/Berlin.")
    targets: tuple[Annotated[str, key_reference()], ...] = Field(
        (), description="Targets it is for, as KIND/NAME; none given means all of them."
    )
    reason: str = Field("", max_length=200, description="Why; shown wherever it keeps something waiting.")

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        from cronsim import CronSim, CronSimError

        try:
            CronSim(value, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"{str(error).lower()}; {_CRON}") from None
        if len(value.split()) != 5:
            raise ValueError(f"wrong number of fields; {_CRON}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("expected the name of a time zone, such as Europe/Berlin or UTC") from None
        return value

    @field_validator("duration")
    @classmethod
    def _lasts(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= value <= timedelta(days=31):
            raise ValueError("a window lasts from 1m to 31d")
        return value
