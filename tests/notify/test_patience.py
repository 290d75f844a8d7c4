"""When the next attempt is, and when there is none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.errors import ArgosError, SettingsError, TerminalError, TransientError
from argos_gitops.notify.patience import Patience
from argos_gitops.ports.outbox import Bundle

AWAY = TransientError("away", reason="ChannelUnreachable")
FAILING = TransientError("fails", reason="ChannelFailing")
MISSING = SettingsError("no secret", reason="SecretMissing")


def bundle(attempts: int = 0, age: timedelta = timedelta(0)) -> Bundle:
    return Bundle("id", "ops", (), attempts, age, "")


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [Patience().pause(bundle(number), AWAY, lambda: 0.0) for number in range(10)]
    seconds = [pause.total_seconds() for pause in pauses if pause is not None]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


@given(st.integers(0, 10**6), st.floats(0, 0.999))
def test_a_pause_is_never_shorter_than_half(attempts: int, dice: float) -> None:
    pause = Patience().pause(bundle(attempts), AWAY, lambda: dice)
    assert pause is not None
    assert timedelta(seconds=2.5) <= pause <= timedelta(minutes=15)


def test_whoever_asks_for_patience_gets_it() -> None:
    busy = TransientError("busy", reason="ChannelBusy", retry_after=timedelta(hours=2))
    assert Patience().pause(bundle(), busy) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("error", "hours"),
    [(AWAY, 24), (MISSING, 24), (FAILING, 1)],
)
def test_it_ends_after_a_time_that_depends_on_the_failure(error: ArgosError, hours: int) -> None:
    """What is away may be away overnight; what always fails may never take this message."""
    almost = bundle(1, timedelta(hours=hours, minutes=-1))
    assert Patience().pause(almost, error) is not None
    assert Patience().pause(bundle(1, timedelta(hours=hours)), error) is None


def test_what_was_refused_is_not_tried_again() -> None:
    assert Patience().pause(bundle(), TerminalError("refused", reason="ChannelRefused")) is None
