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
    there.provider.observe()
    again = [ResourceKey("Host", "x"), ResourceKey("Host", "gone"), ResourceKey("Decision", "x")]
    found = there.provider.verify(desired(there.edge, host("x")), (), again)
    assert [(str(each.subject), each.reason) for each in found] == [("Host/x", "Answering")]


def test_what_stands_behind_an_edge_fails_without_a_change(caddy: RealCaddy, world: Make) -> None:
    """Nobody changed anything, and nothing was not ready: the next pass sees it all the same."""
    there = world(edge_of(caddy, **QUICK))
    with Upstream() as behind:
        hosts = (host("app", service="app"), service("app", behind.address))
        assert _verified(there, *hosts) == {"app": ("Answering", Truth.TRUE)}
    there.provider.observe()
    (found,) = there.provider.verify(desired(there.edge, *hosts), ())
    assert (found.reason, found.status) == ("UpstreamUnavailable", Truth.FALSE)


def test_of_many_that_stand_each_has_its_turn(caddy: RealCaddy, world: Make) -> None:
    """A pass without changes asks for 50; those that were not ready come first, and none is passed over
    in silence."""
    there = world(edge_of(caddy))
    hosts = [host(f"h{number}") for number in range(70)]
    there.apply(*hosts)
    there.provider.observe()
    wanted = desired(there.edge, *hosts)
    seen: set[str] = set()
    while len(seen) < 70:
        found = [*there.provider.verify(wanted, ())]
        assert len(found) == 50
        seen |= {each.subject.name for each in found}
    few = [ResourceKey("Host", f"h{number}") for number in range(5)]
    assert set(few) <= {each.subject for each in there.provider.verify(wanted, (), few)}
    many = [each.key for each in hosts]
    reasons = [each.reason for each in there.provider.verify(wanted, (), many)]
    assert (reasons.count("Answering"), reasons.count("Unproven")) == (50, 20)


def test_probes_can_be_switched_off(caddy: RealCaddy, world: Make) -> None:
    """Where the edge cannot be reached from here at all."""
    assert _verified(world(edge_of(caddy, probe={"enabled": False})), host("x")) == {}


def test_of_many_hosts_only_some_are_asked_for(caddy: RealCaddy, world: Make) -> None:
    """A large change must not take minutes to prove."""
    found = _verified(world(edge_of(caddy)), *[host(f"h{number}") for number in range(60)])
    assert len(found) == 50
