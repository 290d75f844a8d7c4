"""The proof after a change: what the edge answers becomes a Condition."""

from collections.abc import Callable

from argos_gitops.model.condition import Truth
from argos_gitops.model.resource import AnyResource, ResourceKey
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.world import World, desired, edge_of, host, service

Make = Callable[[AnyResource], World]
QUICK = {"probe": {"timeout": "300ms"}}


def _verified(there: World, *resources: AnyResource) -> dict[str, tuple[str, Truth]]:
    live, changes = there.plan(*resources)
    there.record(there.provider.apply(live, changes))
    found = there.verify(changes, *resources)
    return {name: (each.reason, each.status) for name, each in found.items()}


def test_each_changed_host_is_asked_for(caddy: RealCaddy, upstream: Upstream, world: Make) -> None:
    """One that answers, one whose upstream is down, one that answers 503 because it is told to."""
    found = _verified(
        world(edge_of(caddy, **QUICK)),
        service("up", upstream.address),
        service("down", "127.0.0.1:1"),
        host("up", service="up"),
        host("down", service="down"),
        host("closed", response={"status": 503, "body": "closed"}),
        host("wild", domains=["*.wild.example.com"]),
    )
    assert found == {
        "up": ("Answering", Truth.TRUE),
        "down": ("UpstreamUnavailable", Truth.FALSE),
        "closed": ("Answering", Truth.TRUE),
        "wild": ("Answering", Truth.TRUE),
    }


def test_a_certificate_that_cannot_be_had_is_told_apart(caddy: RealCaddy, world: Make) -> None:
    """The edge listens, but the handshake fails: the CA is not there."""
    acme = {"ca": "https://127.0.0.1:1/directory", "challenge": "tls-alpn"}
    found = _verified(world(edge_of(caddy, acme=acme, **QUICK)), host("public", tls={"mode": "auto"}))
    assert found == {"public": ("CertificateMissing", Truth.FALSE)}


def test_an_edge_that_cannot_be_reached_is_not_answering(caddy: RealCaddy, world: Make) -> None:
    """For instance because probe.host is wrong."""
    found = _verified(world(edge_of(caddy, probe={"timeout": "300ms", "host": "127.0.0.9"})), host("x"))
    assert found == {"x": ("NotAnswering", Truth.FALSE)}


def test_a_host_that_was_not_ready_is_asked_for_again(caddy: RealCaddy, world: Make) -> None:
    """Although nothing changed; what is not on this Edge is left to others."""
    there = world(edge_of(caddy))
    there.apply(host("x"))
    again = [ResourceKey("Host", "x"), ResourceKey("Host", "gone"), ResourceKey("Decision", "x")]
    found = there.provider.verify(desired(there.edge, host("x")), (), again)
    assert [(str(each.subject), each.reason) for each in found] == [("Host/x", "Answering")]


def test_probes_can_be_switched_off(caddy: RealCaddy, world: Make) -> None:
    """Where the edge cannot be reached from here at all."""
    assert _verified(world(edge_of(caddy, probe={"enabled": False})), host("x")) == {}


def test_of_many_hosts_only_some_are_asked_for(caddy: RealCaddy, world: Make) -> None:
    """A large change must not take minutes to prove."""
    found = _verified(world(edge_of(caddy)), *[host(f"h{number}") for number in range(60)])
    assert len(found) == 50
