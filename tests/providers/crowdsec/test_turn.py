"""One writer at a time, and what a killed one leaves behind."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import StalePlanError, TransientError
from argos_gitops.providers.crowdsec.turn import Turn

_URL = "http://127.0.0.1:8081"


def test_two_writers_do_not_write_at_once(tmp_path: Path) -> None:
    turn = Turn(tmp_path, "main", _URL)
    with turn.hold(turn.last()), pytest.raises(TransientError) as failure, turn.hold(turn.last()):
        pass
    assert failure.value.reason == "Locked"


def test_an_edge_elsewhere_has_a_turn_of_its_own(tmp_path: Path) -> None:
    """Two repositories may each have an Edge `main` with a LAPI of its own."""
    turn, other = Turn(tmp_path, "main", _URL), Turn(tmp_path, "main", "http://127.0.0.1:8082")
    with turn.hold(turn.last()), other.hold(other.last()):
        pass


def test_fm16_a_look_older_than_another_write_is_stale(tmp_path: Path) -> None:
    """What that write added would be added once more."""
    turn = Turn(tmp_path, "main", _URL)
    seen = turn.last()
    with Turn(tmp_path, "main", _URL).hold(seen):
        pass
    with pytest.raises(StalePlanError), turn.hold(seen):
        pass


def test_fm15_a_lock_left_behind_hinders_nobody(tmp_path: Path) -> None:
    """The file stays; the lock died with its process."""
    turn = Turn(tmp_path, "main", _URL)
    for _ in range(2):
        with turn.hold(turn.last()):
            pass


def test_a_look_waits_for_what_a_killed_writer_had_sent(tmp_path: Path) -> None:
    """LAPI goes on storing an alert whose sender is gone."""
    pauses: list[float] = []
    turn = Turn(tmp_path, "main", _URL, pauses.append)
    with pytest.raises(KeyboardInterrupt), turn.sending():
        raise KeyboardInterrupt
    turn.settle()
    assert len(pauses) == 1


def test_a_look_waits_for_nobody_after_an_answer(tmp_path: Path) -> None:
    pauses: list[float] = []
    turn = Turn(tmp_path, "main", _URL, pauses.append)
    with turn.sending():
        pass
    turn.settle()
    assert pauses == []


def test_a_look_does_not_wait_for_a_writer_who_lives(tmp_path: Path) -> None:
    """It sees what stands by then, and finds its turn taken or its look stale should it write."""
    pauses: list[float] = []
    turn = Turn(tmp_path, "main", _URL, pauses.append)
    with turn.hold(turn.last()), turn.sending():
        turn.settle()
    assert pauses == []
