"""What the mirror does with what it reads, and with what it cannot read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from argos_gitops.model.errors import TransientError
from argos_gitops.providers.crowdsec.bouncer.index import Decision
from argos_gitops.providers.crowdsec.bouncer.mirror import Mirror
from argos_gitops.providers.crowdsec.bouncer.stream import Row
from tests.providers.crowdsec.test_bouncer_index import found_in


class Script:
    """Answers in turn; one that ends with None breaks off there. Notes what was asked for."""

    def __init__(self, *answers: Sequence[Row | None]) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    @contextmanager
    def rows(self, *, everything: bool) -> Iterator[Iterator[Row]]:
        self.asked.append("everything" if everything else "changes")
        yield self._told(next(self._answers))

    def _told(self, answer: Sequence[Row | None]) -> Iterator[Row]:
        for row in answer:
            if row is None:
                raise TransientError("it broke off")
            yield row


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def row(number: int, value: str, *, in_force: bool = True) -> Row:
    return in_force, Decision(number, value, "ban", "cscli", 10_000)


def banned(mirror: Mirror, address: str) -> bool:
    return found_in(mirror.index, address, 1000.0) is not None


def test_everything_first_then_changes() -> None:
    mirror = Mirror(Clock())
    script = Script([row(1, "203.0.113.7")], [row(2, "203.0.113.8"), row(1, "203.0.113.7", in_force=False)])
    mirror.look(script)
    assert (banned(mirror, "203.0.113.7"), banned(mirror, "203.0.113.8")) == (True, False)
    mirror.look(script)
    assert (banned(mirror, "203.0.113.7"), banned(mirror, "203.0.113.8")) == (False, True)
    assert script.asked == ["everything", "changes"]


def test_what_lapi_forgot_without_a_word_goes_with_the_next_look_at_everything() -> None:
    """LAPI's flush takes rows, and its changes never tell."""
    clock = Clock()
    mirror = Mirror(clock)
    script = Script([row(1, "203.0.113.7"), row(2, "203.0.113.8")], [], [row(2, "203.0.113.8")])
    for _ in range(2):
        mirror.look(script)
    assert banned(mirror, "203.0.113.7")
    clock.now += 601
    mirror.look(script)
    assert (banned(mirror, "203.0.113.7"), banned(mirror, "203.0.113.8")) == (False, True)


def test_a_look_that_breaks_off_lifts_nothing_and_is_followed_by_one_at_everything() -> None:
    """A change is told once: if the answer is lost, only a look at everything finds it."""
    mirror = Mirror(Clock())
    script = Script([row(1, "203.0.113.7")], [None], [row(2, "203.0.113.8"), None], [row(2, "203.0.113.8")])
    mirror.look(script)
    for _ in range(2):
        with pytest.raises(TransientError):
            mirror.look(script)
        assert banned(mirror, "203.0.113.7")
    mirror.look(script)
    assert (banned(mirror, "203.0.113.7"), banned(mirror, "203.0.113.8")) == (False, True)
    assert script.asked == ["everything", "changes", "everything", "everything"]


def test_many_changes_at_once_are_followed_by_a_look_at_everything() -> None:
    """LAPI may leave out of its changes what it was storing when it was asked."""
    clock = Clock()
    mirror = Mirror(clock)
    many = [row(number, f"203.0.{number // 250}.{number % 250}") for number in range(600)]
    script = Script([], many, [], many)
    for seconds in (0, 3, 3, 15):
        clock.now += seconds
        mirror.look(script)
    assert script.asked == ["everything", "changes", "changes", "everything"]


def test_only_a_look_that_ended_well_is_fresh() -> None:
    clock = Clock()
    mirror = Mirror(clock)
    script = Script([None], [])
    with pytest.raises(TransientError):
        mirror.look(script)
    assert mirror.fresh_at is None
    clock.now += 3
    mirror.look(script)
    assert mirror.fresh_at == 1003.0


def test_what_is_no_address_is_passed_over() -> None:
    """Scopes of somebody's own, such as Country."""
    mirror = Mirror(Clock())
    mirror.look(Script([row(1, "NG"), row(2, "203.0.113.8")]))
    assert len(mirror.index) == 1
