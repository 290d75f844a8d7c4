"""The look at Caddy between passes: cheap, without a write, and never wrong about an edit or a restart."""

from collections.abc import Callable

import httpx
import pytest

from argos_gitops.model.errors import TransientError
from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, edge, edge_of, host

Make = Callable[[AnyResource], World]


def _applied(caddy: RealCaddy, world: Make) -> World:
    there = world(edge_of(caddy))
    there.apply(host("one"), host("two"))
    there.provider.observe()
    return there


def test_there_is_one_watch(world: Make) -> None:
    """Its name is a key of the Agent's drift.intervals."""
    watches = world(edge()).provider.watches()
    assert [(watch.name, watch.interval.total_seconds()) for watch in watches] == [("caddy", 15.0)]


def test_fm05_a_hundred_idle_looks_see_nothing_and_write_nothing(caddy: RealCaddy, world: Make) -> None:
    there = _applied(caddy, world)
    before = caddy.config(), caddy.log.read_text().count("POST")
    assert not any(there.provider.moved("caddy") for _ in range(100))
    assert (caddy.config(), caddy.log.read_text().count("POST")) == before


def test_nobody_has_looked_yet(caddy: RealCaddy, world: Make) -> None:
    """A look that cannot know says that something moved."""
    there = world(edge_of(caddy))
    assert there.provider.moved("caddy")
    there.provider.observe()
    assert not there.provider.moved("caddy")


def test_one_field_is_seen_until_somebody_has_looked(caddy: RealCaddy, world: Make) -> None:
    there = _applied(caddy, world)
    httpx.put(f"{caddy.admin_url}/config/apps/http/grace_period", json="5s").raise_for_status()
    assert there.provider.moved("caddy")
    assert there.provider.moved("caddy")
    there.provider.observe()
    assert not there.provider.moved("caddy")


def test_a_change_of_ours_needs_a_look_too(caddy: RealCaddy, world: Make) -> None:
    """Nobody has seen yet what an apply left behind."""
    there = _applied(caddy, world)
    there.apply(host("one"))
    assert there.provider.moved("caddy")
    there.provider.observe()
    assert not there.provider.moved("caddy")


def test_fm18_a_restart_is_seen_if_it_lost_the_configuration(caddy: RealCaddy, world: Make) -> None:
    there = _applied(caddy, world)
    caddy.restart()
    assert there.provider.moved("caddy")


def test_a_restart_that_kept_it_is_nothing(make_caddy: Callable[..., RealCaddy], world: Make) -> None:
    caddy = make_caddy(resume=True)
    there = _applied(caddy, world)
    caddy.restart()
    assert not there.provider.moved("caddy")


def test_a_caddy_that_is_gone_is_no_drift(caddy: RealCaddy, world: Make) -> None:
    """It raises as a pass would, so that the target becomes unreachable instead."""
    there = _applied(caddy, world)
    caddy.kill()
    with pytest.raises(TransientError):
        there.provider.moved("caddy")
