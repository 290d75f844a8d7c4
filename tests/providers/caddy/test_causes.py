"""A cause is passed on as whoever met it gave it, and never guessed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.proof import WHY
from argos_gitops.providers.caddy.rejection import rejection
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World, edge_of, host, service

Make = Callable[[AnyResource], World]
LOGIN = {"users": {"ann": "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"}}


def _message(there: World, *resources: AnyResource) -> str:
    live, changes = there.plan(*resources)
    there.record(there.provider.apply(live, changes))
    found = there.verify(changes, *resources)["app"]
    assert found.reason == "UpstreamUnavailable"
    return found.message


@pytest.mark.parametrize("guards", [{}, {"basicAuth": LOGIN}], ids=["open", "guarded"])
def test_what_caddy_says_of_a_target_is_told(
    caddy: RealCaddy, world: Make, guards: dict[str, object]
) -> None:
    """With the Service and its address."""
    down = service("app", "127.0.0.1:1")
    found = _message(world(edge_of(caddy)), down, host("app", service="app", **guards))
    assert "connect: connection refused (Service/app at 127.0.0.1:1)" in found


def test_tls_to_a_port_without_is_told_as_that(caddy: RealCaddy, world: Make) -> None:
    """By Caddy's words; where health checks keep it from asking at all, that is said."""
    with Upstream() as upstream:
        there = world(edge_of(caddy))
        found = _message(there, service("app", upstream.address, tls={}), host("app", service="app"))
        assert "tls: first record does not look like a TLS handshake" in found
        assert f"(Service/app at {upstream.address})" in found
        checked = service("app", upstream.address, tls={}, healthCheck={"path": "/", "interval": "100ms"})
        found = _message(there, checked, host("app", service="app", compression=True))
        assert f"its health checks find no target well (Service/app at {upstream.address})" in found


def test_an_answer_of_a_target_is_no_error_of_caddy(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    with RealCaddy(tmp_path / "behind") as behind:
        listen = f"127.0.0.1:{behind.http_port}"
        routes = [{"handle": [{"handler": "static_response", "status_code": 503}]}]
        server = {"listen": [listen], "routes": routes, "automatic_https": {"disable": True}}
        behind.load({"apps": {"http": {"servers": {"behind": server}}}})
        found = _message(world(edge_of(caddy)), service("app", listen), host("app", service="app"))
    assert found.endswith(f"and so does a target of it: Service/app at {listen}")


def test_visitors_do_not_learn_why(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    there = world(edge_of(caddy))
    there.apply(service("app", "127.0.0.1:1"), host("app", service="app"))
    for headers in ({}, {"X_Argos_Why": "0" * 32}):
        answer = ask(**headers)
        assert (answer.status_code, WHY in answer.headers) == (502, False)


@pytest.mark.parametrize(
    ("complaint", "reason", "words"),
    [
        (
            "listening on :443: listen tcp :443: bind: address already in use",
            "AddressInUse",
            "another program",
        ),
        ("listening on :443: listen tcp :443: bind: permission denied", "AddressForbidden", "CAP_NET_BIND"),
        (
            "listening on 192.0.2.1:443: listen tcp 192.0.2.1:443: bind: cannot assign requested address",
            "AddressUnusable",
            "cannot listen on 192.0.2.1:443: cannot assign requested address",
        ),
        ("loading cert: open /a.pem: no such file or directory", "FileUnreadable", "runs: no such file"),
        ("loading cert: open /a.pem: permission denied", "FileUnreadable", "runs: permission denied"),
        ("indexing config: duplicate ID 'argos-host-a' found at /x and /y", "MarkTaken", "places: /x and /y"),
        (
            "indexing config: duplicate ID 'argos-tls-0' found at /x and /y",
            "Rejected",
            "refuses the configuration",
        ),
    ],
    ids=str,
)
def test_what_the_system_said_decides(complaint: str, reason: str, words: str) -> None:
    """Not every address that cannot be listened on is held by another program."""
    found = rejection(complaint, Layout(), {}, "Caddy")
    assert found.reason == reason
    assert words in found.message
