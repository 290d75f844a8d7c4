"""Rules across resources: each problem has a stable code and names both places."""

from typing import Any

from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.caddy.checks import CHECKS
from tests.providers.caddy.world import edge, host, service


def problems(*resources: AnyResource) -> list[tuple[str, str]]:
    """Place and code of each problem."""
    revision = EagerResources(resources, "")
    return [(str(each.location), each.code) for check in CHECKS for each in check(revision)]


def test_a_domain_belongs_to_one_host() -> None:
    """Case does not matter, another Edge does, and so does a Host that is off."""
    one = host("one", domains=["App.example.com"])
    assert problems(edge(), one, host("two", domains=["app.example.com"])) == [
        ("hosts/two.yaml:4", "DuplicateDomain")
    ]
    other = [edge("http://127.0.0.1:2020", "other"), host("two", domains=["app.example.com"], edge="other")]
    assert problems(edge(), one, *other) == []
    assert problems(edge(), one, host("two", domains=["app.example.com"], enabled=False)) == []


def test_a_domain_may_be_served_with_tls_and_without() -> None:
    """By two Hosts, as an edge has a server for each; a server of somebody else's is but one."""
    both = [host("plain", domains=["app.example.com"]), host("safe", domains=["app.example.com"], tls={})]
    assert problems(edge(), *both) == []
    one_server = edge(ownership="routes", server="front")
    assert problems(one_server, *both) == [("hosts/safe.yaml:4", "DuplicateDomain")]


def test_a_wildcard_beside_an_exact_name_is_fine() -> None:
    """The exact one wins."""
    assert problems(edge(), host("one", domains=["*.example.com"]), host("two")) == []


def test_an_upstream_must_not_be_the_edge_itself() -> None:
    """By loopback, by its listen address, or by a name that it serves."""
    for listen, address in (
        ("http://:8000", "127.0.0.1:8000"),
        ("http://:8000", "localhost:8000"),
        ("http://192.0.2.1:8000", "192.0.2.1:8000"),
        ("http://:8000", "app.example.com:8000"),
    ):
        found = problems(edge(listen=[listen]), service("app", address), host("app", service="app"))
        assert found == [("services/app.yaml:4", "UpstreamLoop")], address


def test_a_rule_has_an_upstream_too() -> None:
    """It is told once for a Host, however many rules send requests there."""
    rules = [{"match": {"path": path}, "service": "app"} for path in ("/a", "/b")]
    looping = service("app", "127.0.0.1:8000")
    found = problems(edge(listen=["http://:8000"]), looping, host("app", rules=rules, response={}))
    assert found == [("services/app.yaml:4", "UpstreamLoop")]


def test_another_server_on_the_same_port_is_no_loop() -> None:
    """Neither is another port here."""
    for address in ("192.0.2.9:8000", "127.0.0.1:8001", "[::1]:8001", "unix//run/app.sock"):
        found = problems(
            edge(listen=["http://127.0.0.1:8000"]), service("app", address), host("app", service="app")
        )
        assert found == [], address


def test_weights_must_work() -> None:
    """All zero sends requests nowhere; another policy ignores them."""
    nothing = service("none", targets=[{"address": "a:1", "weight": 0}])
    targets = [{"address": "a:1", "weight": 2}, {"address": "b:1"}]
    ignored = service("ignored", targets=targets, loadBalancing={"policy": "least_conn"})
    assert problems(nothing, ignored) == [
        ("services/ignored.yaml:4", "WeightsIgnored"),
        ("services/none.yaml:4", "NoTargetUsed"),
    ]


def test_each_host_needs_a_listener() -> None:
    """TLS where only HTTP is listened for, and the other way round."""
    assert problems(edge(listen=[":80"]), host("x", tls={"mode": "auto"})) == [
        ("hosts/x.yaml:4", "NoListener")
    ]
    assert problems(edge(listen=["https://:8443"]), host("x")) == [("hosts/x.yaml:4", "NoListener")]
    mixed = [host("plain"), host("safe", tls={"mode": "internal"})]
    assert problems(edge(listen=[":8080", ":8443"]), *mixed) == [("hosts/plain.yaml:4", "NoListener")]


def test_the_default_listeners_serve_every_mode() -> None:
    """And so does `:443` alone, beside which Caddy opens port 80."""
    hosts = [host("plain"), host("safe", tls={"mode": "internal"}), host("public", tls={})]
    assert problems(edge(), *hosts) == []
    assert problems(edge(listen=[":443"]), *hosts) == []


def test_visitors_do_not_reach_the_admin_api() -> None:
    """Linux would share the port between both, request by request."""
    assert problems(edge(listen=["http://:2019"]), host("x")) == [("edges/main.yaml:4", "ListenOnAdmin")]
    assert problems(edge(listen=["http://192.0.2.1:2019"]), host("x")) == []


def test_one_caddy_is_one_edge() -> None:
    """Two would undo each other's work."""
    assert problems(edge(), edge("http://127.0.0.1:2019/", "other")) == [
        ("edges/other.yaml:4", "SharedCaddy")
    ]


def test_a_host_must_not_redirect_to_itself() -> None:
    """To another scheme, another domain, or one page of its own it may."""
    loop = host("x", redirect={"to": "http://x.example.com"})
    assert problems(edge(), loop) == [("hosts/x.yaml:4", "RedirectLoop")]
    for target in ({"to": "https://x.example.com"}, {"to": "http://y.example.com"}):
        assert problems(edge(), host("x", redirect=target)) == []


def test_a_rule_must_not_redirect_to_what_was_asked_for() -> None:
    """To another page of the Host it may, as other rules answer there."""
    for back in ({"scheme": "http"}, {"to": "http://x.example.com"}, {"to": "/"}):
        looping = host("x", rules=[{"match": {"path": "/a"}, "redirect": back}], response={})
        assert problems(edge(), looping) == [("hosts/x.yaml:4", "RedirectLoop")], back
    harmless: list[dict[str, Any]] = [
        {"scheme": "https"},
        {"scheme": "http", "port": 8080},
        {"to": "/app/", "preservePath": False},
        {"to": "http://x.example.com:8080"},
    ]
    for to in harmless:
        fine = host("x", rules=[{"match": {"path": "/"}, "redirect": to}], response={})
        assert problems(edge(), fine) == [], to


def test_a_host_that_redirects_everything_must_not_redirect_to_itself() -> None:
    """Whatever the page; with rules, one of them may answer there."""
    home = {"to": "/home", "preservePath": False}
    assert problems(edge(), host("x", redirect=home)) == [("hosts/x.yaml:4", "RedirectLoop")]
    answered = [{"match": {"path": "/home"}, "response": {}}]
    assert problems(edge(), host("x", redirect=home, rules=answered)) == []


def test_a_rule_for_everything_comes_last() -> None:
    """Those behind it never get a request."""
    everything: dict[str, Any] = {"response": {}}
    one: dict[str, Any] = {"match": {"path": "/a"}, "response": {}}
    assert problems(edge(), host("x", rules=[one, everything])) == []
    assert problems(edge(), host("x", rules=[one, everything, one, one])) == [
        ("hosts/x.yaml:4", "UnreachableRule")
    ]


def test_the_message_names_the_other_place() -> None:
    """So that nobody has to search."""
    revision = EagerResources([edge(), host("one"), host("two", domains=["one.example.com"])], "")
    (problem,) = [each for check in CHECKS for each in check(revision)]
    assert problem.message == (
        "Host/two serves one.example.com on Edge/main, and so does Host/one (hosts/one.yaml:4); "
        "take it out of one of them"
    )
