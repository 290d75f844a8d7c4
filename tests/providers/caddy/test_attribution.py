"""What a plan tells about where drift came from."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, edge_of, host

Make = Callable[[AnyResource], World]
_HOSTS = host("one"), host("two")
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def _applied(caddy: RealCaddy, world: Make) -> World:
    """A minute after Caddy began."""
    there = world(edge_of(caddy))
    there.clock.at = datetime.now(UTC) + timedelta(minutes=1)
    there.apply(*_HOSTS)
    there.plan(*_HOSTS)
    return there


def _notes(there: World, *resources: AnyResource) -> dict[str, str]:
    live, changes = there.plan(*resources)
    return dict(there.provider.attribute(live, changes))


def _edit(caddy: RealCaddy, host_name: str, body: str) -> None:
    place = caddy.place_of(f"argos-host-{host_name}", "static_response")
    url = f"{caddy.admin_url}/id/{place}/body"
    httpx.patch(url, json=body).raise_for_status()


def test_an_edit_came_through_the_admin_api_between_two_looks(caddy: RealCaddy, world: Make) -> None:
    """The first process that looks knows the span; one that never saw it otherwise does not pretend to."""
    there = _applied(caddy, world)
    _edit(caddy, "one", "edited")
    [(object_id, note)] = _notes(there, *_HOSTS).items()
    assert object_id == "host/one"
    assert re.fullmatch(rf"changed through Caddy's admin API between {_TIME} and {_TIME} UTC", note)
    assert _notes(world(there.edge), *_HOSTS)["host/one"] == "changed through Caddy's admin API"


def test_what_was_said_of_a_drift_is_said_again(caddy: RealCaddy, world: Make) -> None:
    """Another drift later does not change the first one's span."""
    there = _applied(caddy, world)
    _edit(caddy, "one", "edited")
    first = _notes(there, *_HOSTS)
    there.clock.at += timedelta(minutes=5)
    _edit(caddy, "two", "edited")
    later = _notes(there, *_HOSTS)
    assert later["host/one"] == first["host/one"]
    assert later["host/two"] != first["host/one"]


def test_what_is_gone_and_what_came(caddy: RealCaddy, world: Make) -> None:
    there = _applied(caddy, world)
    httpx.delete(f"{caddy.admin_url}/id/argos-host-one").raise_for_status()
    route = {"@id": "argos-host-three", "match": [{"host": ["three.example.com"]}], "terminal": True}
    httpx.post(f"{caddy.admin_url}/config/apps/http/servers/argos-http/routes", json=route).raise_for_status()
    notes = _notes(there, *_HOSTS)
    assert notes["host/one"].startswith("taken away through Caddy's admin API")
    assert notes["host/three"].startswith("added through Caddy's admin API")


def test_fm18_a_restart_without_the_configuration_is_told(caddy: RealCaddy, world: Make) -> None:
    """With the time at which this Caddy began, also by a process that never saw it otherwise."""
    there = _applied(caddy, world)
    there.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    there.plan(*_HOSTS)
    caddy.restart()
    there.clock.at = datetime.now(UTC)
    for each in (there, world(there.edge)):
        notes = _notes(each, *_HOSTS)
        assert set(notes) >= {"host/one", "host/two"}
        for note in notes.values():
            assert re.fullmatch(rf"Caddy was restarted at {_TIME} UTC without its configuration", note)


def test_a_configuration_that_was_deleted_is_no_restart(caddy: RealCaddy, world: Make) -> None:
    there = _applied(caddy, world)
    caddy.load({})
    assert all("taken away" in note for note in _notes(there, *_HOSTS).values())
