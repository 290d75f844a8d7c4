"""Deliveries that came before."""

from argos_gitops.web.replays import Replays


def test_a_delivery_is_new_once() -> None:
    replays = Replays()
    assert not replays.came_before("github", b"1")
    assert replays.came_before("github", b"1")
    assert not replays.came_before("gitea", b"1"), "what another forge sent is another delivery"


def test_after_a_day_it_is_forgotten() -> None:
    """A day after it first came, however often it was repeated meanwhile."""
    now = [0.0]
    replays = Replays(lambda: now[0])
    replays.came_before("github", b"1")
    now[0] = 23 * 3600.0
    assert replays.came_before("github", b"1")
    now[0] = 24 * 3600.0
    assert not replays.came_before("github", b"1")


def test_of_too_many_the_oldest_are_forgotten() -> None:
    replays = Replays(most=3)
    for number in range(4):
        assert not replays.came_before("github", b"%d" % number)
    assert replays.came_before("github", b"3")
    assert not replays.came_before("github", b"0")
