"""Two clocks: ours and LAPI's. Pure.

Bans are renewed by the time that LAPI says is left, so clocks that differ a little do no harm. With clocks
that differ by much, one of them is wrong, and with it the end of each ban that has one: nothing is written.
"""

from datetime import timedelta

from argos_gitops.model.errors import TransientError
from argos_gitops.model.plan import Failure

MOST_SKEW = timedelta(minutes=5)
"""Clocks without NTP drift by seconds a day; more is a clock that somebody has to set."""


def refuse_skew(ahead: timedelta) -> None:
    """Raises TransientError (ClockSkew) when LAPI's clock differs from ours by too much for a write."""
    if abs(ahead) > MOST_SKEW:
        raise TransientError(_message(ahead), reason="ClockSkew")


def skew_notice(ahead: timedelta) -> Failure | None:
    return Failure("ClockSkew", _message(ahead)) if abs(ahead) > MOST_SKEW else None


def _message(ahead: timedelta) -> str:
    """LAPI ahead means that our clock is behind."""
    side = "behind" if ahead > timedelta() else "ahead of"
    return (
        f"the clock of this machine is {_span(abs(ahead))} {side} LAPI's; no ban is written "
        f"while they differ by more than {_span(MOST_SKEW)}; set the wrong one "
        "right, such as with `timedatectl set-ntp true`"
    )


def _span(span: timedelta) -> str:
    """`7d 2h`, `12m`."""
    minutes = round(span.total_seconds() / 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count)
