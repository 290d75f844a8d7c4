"""What is asked for and cannot be had is said aloud."""

from collections.abc import Callable

import pytest

from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.layout import Layout, take_apart
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.providers.caddy.world import World, desired, edge, host

Make = Callable[[AnyResource], World]
KEY = {"env": "BOUNCER_KEY"}


@pytest.mark.parametrize(
    ("crowdsec", "reasons"),
    [
        (None, ["BouncerNotEnforced"]),
        ({"bouncer": {"mode": "off"}}, ["BouncerNotEnforced"]),
        ({"bouncer": {"mode": "forward-auth", "key": KEY}}, []),
        ({"bouncer": {"mode": "module", "key": KEY}}, []),
    ],
    ids=str,
)
def test_a_bouncer_that_is_not_there_is_no_secret(
    world: Make, crowdsec: dict[str, object] | None, reasons: list[str]
) -> None:
    """One sentence for all Hosts that ask for it."""
    there = world(edge(crowdsec=crowdsec))
    found = there.provider.notices(desired(there.edge, *[host(f"h{n}", bouncer=True) for n in range(7)]))
    assert [notice.reason for notice in found] == reasons
    assert all("Host/h0, Host/h1" in notice.message and "2 more" in notice.message for notice in found)


def _compiled(target: AnyResource, *hosts: AnyResource, live: Layout) -> dict[str, object]:
    section = getattr(target.spec, "caddy", None)
    assert isinstance(section, CaddySettings)
    objects = Compiler(target, section).compile(EagerResources([target, *hosts], ""), live)
    return {object_id: each.content for object_id, each in objects.items()}


def test_the_bouncer_comes_first_and_its_key_is_a_placeholder() -> None:
    """Caddy reads the key from its own environment. The module streams, and AppSec is not asked for."""
    crowdsec = {"lapiUrl": "http://127.0.0.1:8081", "bouncer": {"mode": "module", "key": KEY}}
    found = _compiled(edge(crowdsec=crowdsec), host("x", bouncer=True, compression=True), live=Layout())
    assert found["app/crowdsec"] == {
        "api_url": "http://127.0.0.1:8081",
        "api_key": "{env.BOUNCER_KEY}",
        "ticker_interval": "15s",
    }
    content = found["host/x"]
    assert isinstance(content, dict)
    assert [handler["handler"] for handler in content["routes"][0]["handle"]] == [
        "crowdsec",
        "encode",
        "static_response",
    ]


def test_a_bouncer_app_of_somebody_else_serves_as_it_is() -> None:
    """With ownership routes; without one, ours is added under its mark."""
    crowdsec = {"bouncer": {"mode": "module", "key": KEY}}
    target = edge(ownership="routes", server="front", crowdsec=crowdsec)
    theirs = take_apart({"apps": {"crowdsec": {"api_key": "theirs"}}})
    assert "app/crowdsec" not in _compiled(target, host("x", bouncer=True), live=theirs)
    ours = _compiled(target, host("x", bouncer=True), live=Layout())["app/crowdsec"]
    assert isinstance(ours, dict)
    assert ours["@id"] == "argos-crowdsec"


def test_no_host_asks_no_app() -> None:
    """A Caddy without the module goes on until a Host wants it."""
    crowdsec = {"bouncer": {"mode": "module", "key": KEY}}
    assert "app/crowdsec" not in _compiled(edge(crowdsec=crowdsec), host("x"), live=Layout())
