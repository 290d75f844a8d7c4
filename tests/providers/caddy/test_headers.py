"""Headers lie around everything: around refusals and errors, and around what Caddy's proxy sets itself."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World, applied, edge_of, host, service

Make = Callable[[AnyResource], World]
LOGIN = {"users": {"ann": "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"}}
CORS = {
    "response": {
        "set": {"Access-Control-Allow-Origin": "https://a.example.com"},
        "add": {"Vary": "Origin", "X-Own": "1"},
        "remove": ["Server"],
    }
}


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _has_cors(answer: httpx.Response) -> bool:
    found = answer.headers
    return (
        found.get_list("Access-Control-Allow-Origin") == ["https://a.example.com"]
        and "Server" not in found
        and (found.get_list("Vary"), found.get_list("X-Own")) == (["Origin"], ["1"])
    )


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"service": "app"}, 200),
        ({"service": "down"}, 502),
        ({"service": "app", "basicAuth": LOGIN}, 401),
        ({"service": "app", "allow": ["192.0.2.1"]}, 403),
        ({"service": "app", "rules": [{"match": {"path": "/"}, "allow": ["192.0.2.1"]}]}, 403),
        ({"service": "app", "rules": [{"match": {"path": "/"}, "basicAuth": LOGIN}]}, 401),
        ({"service": "app", "rules": [{"match": {"path": "/"}, "service": "down"}]}, 502),
        ({"redirect": {"to": "https://www.example.com"}}, 308),
        ({"response": {"status": 500}}, 500),
        ({"service": "app", "bouncer": True}, 503),
    ],
    ids=str,
)
def test_every_answer_has_the_headers_of_the_host(
    caddy: RealCaddy, world: Make, ask: Ask, behind: Upstream, spec: dict[str, Any], status: int
) -> None:
    """Each once: a browser reads no answer without CORS, not even that it was refused."""
    away = {"mode": "forward-auth", "agentUrl": "http://127.0.0.1:1", "failMode": "closed"}
    there = world(edge_of(caddy, crowdsec={"bouncer": away}))
    services = (service("app", behind.address), service("down", "127.0.0.1:1"))
    applied(there, *services, host("app", headers=CORS, **spec))
    answer = ask()
    assert answer.status_code == status
    assert _has_cors(answer), answer.headers


def test_an_error_keeps_its_own_headers(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    applied(world(edge_of(caddy)), host("app", basicAuth=LOGIN, headers=CORS))
    assert ask().headers["WWW-Authenticate"] == 'Basic realm="restricted"'


@pytest.mark.parametrize("rule", [{"response": {"body": "x"}}, {"basicAuth": LOGIN}], ids=str)
def test_a_rule_has_the_last_word(caddy: RealCaddy, world: Make, ask: Ask, rule: dict[str, Any]) -> None:
    """Its changes come after those of the Host, in answers and in errors."""
    changes = {"response": {"set": {"X-Frame-Options": "DENY", "X-Own": "host"}}}
    own = {"response": {"set": {"X-Own": "rule"}}}
    rules = [{"match": {"path": "/"}, "headers": own, **rule}]
    applied(world(edge_of(caddy)), host("app", headers=changes, rules=rules))
    headers = ask().headers
    assert (headers["X-Own"], headers["X-Frame-Options"]) == ("rule", "DENY")
    assert ask("/other").headers["X-Own"] == "host"


FORGED = {
    "X-Real-Ip": "198.51.100.9",
    "X-Forwarded-For": "198.51.100.9",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Uri": "/evil",
    "X-Forwarded-Method": "EVIL",
    "X-Forwarded-Server": "evil",
    "X-Forwarded-User": "root",
    "X-Forwarded-Tls-Client-Cert": "evil",
    "X-Forwarded-Tls-Client-Cert-Info": "evil",
    "Forwarded": "for=198.51.100.9",
}
TOLD = {
    "X-Real-Ip": "127.0.0.1",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "app.example.com",
    "X-Forwarded-Port": "80",
}


def _seen(upstream: Upstream) -> dict[str, str]:
    return {name: value for name, value in upstream.headers[-1].items() if "orwarded" in name or name in TOLD}


@pytest.mark.parametrize("name", sorted(FORGED))
@pytest.mark.parametrize("ruled", [False, True], ids=["host", "rule"])
def test_no_visitor_can_forge(
    caddy: RealCaddy, world: Make, ask: Ask, behind: Upstream, name: str, ruled: bool
) -> None:
    """Services learn of a visitor what the edge knows, whatever the visitor says."""
    spec = {"rules": [{"match": {"path": "/"}, "service": "app"}]} if ruled else {"service": "app"}
    applied(world(edge_of(caddy)), service("app", behind.address), host("app", **spec))
    ask(**{name.replace("-", "_"): FORGED[name]})
    assert _seen(behind) == TOLD


def test_a_trusted_proxy_is_believed(caddy: RealCaddy, world: Make, ask: Ask, behind: Upstream) -> None:
    """But the visitor's address is what Caddy makes of its word."""
    there = world(edge_of(caddy, trustedProxies=["127.0.0.0/8"]))
    applied(there, service("app", behind.address), host("app", service="app"))
    ask(**{name.replace("-", "_"): value for name, value in FORGED.items()})
    assert _seen(behind) == {**FORGED, "X-Forwarded-For": "198.51.100.9, 127.0.0.1"}
    ask(X_Real_Ip="192.0.2.1")
    assert _seen(behind)["X-Real-Ip"] == "127.0.0.1"


def test_the_port_is_the_one_that_the_visitor_sees(
    caddy: RealCaddy, world: Make, ask: Ask, behind: Upstream
) -> None:
    there = world(edge_of(caddy))
    secure = host("secure", service="app", tls={"mode": "internal"})
    applied(there, service("app", behind.address), host("app", service="app"), secure)
    assert (ask(Host="app.example.com:8443").status_code, _seen(behind)["X-Forwarded-Port"]) == (200, "8443")
    caddy.get("secure.example.com", tls=True)
    assert (_seen(behind)["X-Forwarded-Port"], _seen(behind)["X-Forwarded-Proto"]) == ("443", "https")


def test_what_a_host_says_of_them_is_passed_on(
    caddy: RealCaddy, world: Make, ask: Ask, behind: Upstream
) -> None:
    """Although Caddy's proxy sets three of them after all changes; a rule comes after its Host."""
    said = {
        "set": {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "said.org",
            "X-Real-Ip": "192.0.2.7",
        },
        "remove": ["X-Forwarded-For"],
    }
    rule = {
        "match": {"path": "/rule"},
        "headers": {"request": {"set": {"X-Forwarded-For": "192.0.2.8"}, "remove": ["X-Forwarded-Host"]}},
    }
    there = world(edge_of(caddy))
    applied(
        there,
        service("app", behind.address),
        host("app", service="app", headers={"request": said}, rules=[rule]),
    )
    ask(**{name.replace("-", "_"): value for name, value in FORGED.items()})
    expected = {
        "X-Real-Ip": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "said.org",
        "X-Forwarded-Port": "80",
    }
    assert _seen(behind) == expected
    ask("/rule")
    del expected["X-Forwarded-Host"]
    assert _seen(behind) == {**expected, "X-Forwarded-For": "192.0.2.8"}
