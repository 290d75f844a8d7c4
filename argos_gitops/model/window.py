"""When the agent may write: windows in time."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from argos_gitops.model.cron import Cron, TimeZone
from argos_gitops.model.spec import Duration, SpecModel, key_reference


class WindowSpec(SpecModel):
    """A span of time that begins whenever `schedule` says. A deny window wins over every allow window.

    Where there is any allow window for a target, the time outside of all of them is closed.
    """

    kind_: Literal["allow", "deny"] = Field(
        alias="kind", description="Whether the agent may write within it, or may not."
    )
    schedule: Cron = Field(
        description="Its beginnings as a cron expression of five fields: minute, hour, day, month and day of "
        "the week from Sunday (0 or 7), such as `0 22 * * 1-5`.",
    )
    duration: Duration = Field(description="How long it lasts each time.")
    time_zone: TimeZone = Field("UTC", description="Time zone of the schedule, such as Europe/Berlin.")
    targets: tuple[Annotated[str, key_reference()], ...] = Field(
        (), description="Targets it is for, as KIND/NAME; none given means all of them."
    )
    reason: str = Field("", max_length=200, description="Why; shown wherever it keeps something waiting.")

    @field_validator("duration")
    @classmethod
    def _lasts(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= value <= timedelta(days=31):
            raise ValueError("a window lasts from 1m to 31d")
        return value
