"""Ownership `routes`: whatever others configured survives, and stands in the right order to ours."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, edge, edge_of, host

Make = Callable[[AnyResource], World]


def _answer(text: str, *domains: str, **more: Any) -> dict[str, Any]:
    match = {"match": [{"host": list(domains)}]} if domains else {}
    return {**match, "handle": [{"handler": "static_response", "body": text}], **more}


def _theirs(caddy: RealCaddy, **server: Any) -> dict[str, Any]:
    """Somebody's configuration: an app, a server with an exact route, a wildcard and a catch-all."""
    routes = [
        {"handle": [{"handler": "headers", "response": {"set": {"X-Theirs": ["1"]}}}]},
        _answer("exact", "theirs.example.com", terminal=True),
        _answer("wild", "*.example.com", terminal=True),
        _answer("all", terminal=True),
    ]
    plain = {"automatic_https": {"disable": True}}
    front = {"listen": [f"127.0.0.1:{caddy.http_port}"], "routes": routes, **plain, **server}
    return {
        "apps": {
            "http": {"grace_period": "3s", "servers": {"front": front}},
            "tls": {
                "automation": {
                    "policies": [{"subjects": ["x.example.net"], "issuers": [{"module": "internal"}]}]
                }
            },
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        },
        "logging": {"logs": {"default": {"level": "ERROR"}}},
    }


def _into_front(caddy: RealCaddy) -> AnyResource:
    return edge(caddy.admin_url, ownership="routes", server="front")


def test_foreign_configuration_survives_byte_for_byte(caddy: RealCaddy, world: Make) -> None:
    """Our routes come and go in somebody's server; then all is as it was, to the letter."""
    caddy.load(_theirs(caddy))
    before = json.dumps(caddy.config())
    there = world(_into_front(caddy))
    there.apply(host("ours"), host("other"))
    routes = caddy.config("apps/http/servers/front/routes")
    ours = [route for route in routes if str(route.get("@id", "")).startswith("argos-host-")]
    assert len(ours) == 2
    assert [route for route in routes if route not in ours] == json.loads(before)["apps"]["http"]["servers"][
        "front"
    ]["routes"]
    there.apply()
    assert json.dumps(caddy.config()) == before


def test_our_routes_go_before_their_catch_all(caddy: RealCaddy, world: Make) -> None:
    """Behind their exact routes and middleware, before their wildcard, which would answer for ours."""
    caddy.load(_theirs(caddy))
    world(_into_front(caddy)).apply(host("ours"))
    answers = {name: caddy.get(f"{name}.example.com") for name in ("ours", "theirs", "any")}
    assert {name: answer.text for name, answer in answers.items()} == {
        "ours": "ours",
        "theirs": "exact",
        "any": "wild",
    }
    assert answers["ours"].headers["X-Theirs"] == "1"


def test_a_route_that_somebody_moved_behind_a_catch_all_is_drift(caddy: RealCaddy, world: Make) -> None:
    """Its content is right, but it answers nobody any more."""
    caddy.load(_theirs(caddy))
    there = world(_into_front(caddy))
    there.apply(host("ours"))
    config = caddy.config()
    routes = config["apps"]["http"]["servers"]["front"]["routes"]
    routes.append(routes.pop(2))
    caddy.load(config)
    _, changes = there.plan(host("ours"))
    assert [(change.object_id, [field.name for field in change.fields]) for change in changes] == [
        ("host/ours", ["position"])
    ]
    there.apply(host("ours"))
    assert caddy.get("ours.example.com").text == "ours"


def test_off_stays_off_in_a_server_where_caddy_manages_tls(caddy: RealCaddy, world: Make) -> None:
    """A host matcher would turn on TLS for the whole server; the skip entry goes with the Host."""
    theirs = _theirs(caddy, automatic_https={"skip": ["theirs.example.com", "*.example.com"]})
    caddy.load(theirs)
    before = caddy.config()
    there = world(_into_front(caddy))
    hosts = [host("ours"), host("other")]
    there.apply(*hosts)
    assert (caddy.get("ours.example.com").text, caddy.get("theirs.example.com").text) == ("ours", "exact")
    assert there.changes(*hosts) == []
    there.apply()
    assert caddy.config() == before


def test_our_own_servers_beside_theirs(caddy: RealCaddy, world: Make) -> None:
    """Without `server` we listen for ourselves, and their server is not touched."""
    theirs = _theirs(caddy)
    theirs["apps"]["http"]["servers"]["front"]["listen"] = [f"127.0.0.1:{caddy.https_port}"]
    caddy.load(theirs)
    before = caddy.config()
    there = world(edge_of(caddy, ownership="routes", listen=[f"127.0.0.1:{caddy.http_port}"]))
    there.apply(host("ours"))
    assert caddy.get("ours.example.com").text == "ours"
    there.depart()
    assert caddy.config() == before


def test_internal_certificates_are_policies_of_our_own(caddy: RealCaddy, world: Make) -> None:
    """Theirs stays in its place; ours names our domains only, and goes with the last of them."""
    theirs = _theirs(
        caddy, listen=[f"127.0.0.1:{caddy.https_port}"], automatic_https={"disable_redirects": True}
    )
    theirs["apps"]["http"]["servers"]["front"]["routes"] = [_answer("all", terminal=True)]
    caddy.load(theirs)
    before = caddy.config()
    there = world(_into_front(caddy))
    hosts = [host("ours", tls={"mode": "internal"})]
    live, changes = there.plan(*hosts)
    there.record(there.provider.apply(live, changes))
    assert there.verify(changes, *hosts)["ours"].reason == "Answering"
    assert caddy.get("ours.example.com", tls=True).text == "ours"
    assert there.changes(*hosts) == []
    there.apply()
    assert caddy.config() == before


def test_a_server_that_is_not_there_is_named(caddy: RealCaddy, world: Make) -> None:
    """We never make a server of somebody else's."""
    there = world(edge(caddy.admin_url, ownership="routes", server="nosuch"))
    live, changes = there.plan(host("ours"))
    with pytest.raises(TerminalError, match="no server nosuch") as caught:
        list(there.provider.apply(live, changes))
    assert caught.value.reason == "ServerMissing"


def test_hosts_that_want_certificates_in_a_plain_server_are_told(caddy: RealCaddy, world: Make) -> None:
    """They are served as plain HTTP there; a notice says so, and nothing is planned again and again."""
    caddy.load(_theirs(caddy))
    hosts = [host("ours", tls={"mode": "internal"})]
    there = world(_into_front(caddy))
    there.apply(*hosts)
    assert there.changes(*hosts) == []
    assert [notice.reason for notice in there.notices(*hosts)] == ["TlsNotManaged"]


def test_whole_shows_everything_foreign_as_a_removal(caddy: RealCaddy, world: Make) -> None:
    """All but the admin block is ours; the guard decides whether so much may go."""
    caddy.load(_theirs(caddy))
    there = world(edge_of(caddy))
    assert there.changes() == [
        "update edge/http",
        "delete edge/logging",
        "delete edge/tls",
        "delete app/pki",
        "delete server/front",
    ]
    there.apply(host("ours"))
    assert set(caddy.config()) == {"admin", "apps"}
    assert caddy.get("ours.example.com").text == "ours"


@pytest.mark.parametrize("number", [5, 5.5])
def test_a_foreign_id_may_be_a_number(caddy: RealCaddy, world: Make, number: float) -> None:
    theirs = _theirs(caddy)
    theirs["apps"]["http"]["servers"]["front"]["routes"][1]["@id"] = number
    caddy.load(theirs)
    there = world(_into_front(caddy))
    there.apply(host("ours", response={"body": "ours"}))
    assert caddy.get("ours.example.com").text == "ours"
    assert caddy.get("theirs.example.com").text == "exact"
    assert number in [route.get("@id") for route in caddy.config("apps/http/servers/front/routes")]


def test_an_id_of_ours_in_a_foreign_part_is_told_with_its_place(caddy: RealCaddy, world: Make) -> None:
    """Caddy refuses the whole then, whatever else is to be changed."""
    theirs = _theirs(caddy)
    theirs["apps"]["http"]["servers"]["front"]["routes"][1]["handle"][0]["@id"] = "argos-host-ours"
    caddy.load(theirs)
    with pytest.raises(TerminalError) as caught:
        world(_into_front(caddy)).apply(host("ours"), host("other"))
    assert caught.value.reason == "MarkTaken"
    assert "'argos-host-ours'" in str(caught.value)
    assert "/config/apps/http/servers/front/routes/" in str(caught.value)
    assert "take the @id out of it" in str(caught.value)
