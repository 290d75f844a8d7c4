"""A Host is ready when its own route answers: whatever answers in its place is found, and named."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.providers.caddy.listeners import Address
from argos_gitops.providers.caddy.proof import PROOF
from argos_gitops.providers.caddy.shadows import rival
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World, applied, desired, edge, edge_of, host, service

Make = Callable[[AnyResource], World]
QUICK = {"probe": {"timeout": "300ms"}}
APP = host("app")
LOGIN = {"users": {"ann": "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"}}


def _theirs(*domains: str, **more: Any) -> dict[str, Any]:
    match = [{"host": [*domains]}] if domains else []
    return {
        **({"match": match} if match else {}),
        "handle": [{"handler": "static_response", "body": "theirs"}],
        **more,
    }


def _server(listen: str, *routes: Any) -> dict[str, Any]:
    server = {"listen": [listen], "routes": [*routes], "automatic_https": {"disable": True}}
    return {"apps": {"http": {"servers": {"srv0": server}}}}


def _here(caddy: RealCaddy) -> str:
    return f"127.0.0.1:{caddy.http_port}"


def _verified(there: World, *resources: AnyResource) -> Condition:
    live, changes = there.plan(*resources)
    there.record(there.provider.apply(live, changes))
    return there.verify(changes, *resources)["app"]


def _again(there: World, *resources: AnyResource) -> Condition:
    there.provider.observe()
    (found,) = there.provider.verify(desired(there.edge, *resources), (), [ResourceKey("Host", "app")])
    return found


def test_a_route_of_others_for_the_same_domain_is_named(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """It stands in front in their server: visitors get the other site, and each pass says so."""
    caddy.load(
        _server(_here(caddy), _theirs("other.example.com"), _theirs("APP.example.com"), _theirs("app.org"))
    )
    there = world(_in_srv0(caddy))
    found = _verified(there, APP)
    assert ask().text == "theirs"
    assert (found.status, found.reason) == (Truth.FALSE, "AnsweredByAnother")
    assert "apps/http/servers/srv0/routes/1 of Caddy's configuration" in found.message
    (notice,) = there.notices(APP)
    assert (notice.reason, notice.subject) == ("AnsweredByAnother", ResourceKey("Host", "app"))
    assert "apps/http/servers/srv0/routes/1" in notice.message
    caddy.load(_without_theirs(caddy.config()))
    assert _again(there, APP).status is Truth.TRUE
    assert there.notices(APP) == []


def _in_srv0(caddy: RealCaddy) -> AnyResource:
    return edge(caddy.admin_url, ownership="routes", server="srv0", probe=QUICK["probe"])


def _without_theirs(config: Any) -> Any:
    server = config["apps"]["http"]["servers"]["srv0"]
    server["routes"] = [each for each in server["routes"] if "@id" in each]
    return config


@pytest.mark.parametrize(
    "front",
    [
        _theirs(),
        _theirs("*.example.com"),
        _theirs("{env.SITE}", "app.example.com"),
        {"match": [{"path": ["/*"]}], **_theirs()},
    ],
    ids=["catch-all", "wildcard", "placeholder", "path"],
)
def test_whatever_was_put_in_front_of_it_is_named(caddy: RealCaddy, world: Make, front: Any) -> None:
    """By somebody at the admin API, after we wrote."""
    caddy.load(_server(_here(caddy)))
    there = world(_in_srv0(caddy))
    assert _verified(there, APP).reason == "Answering"
    config = caddy.config()
    config["apps"]["http"]["servers"]["srv0"]["routes"].insert(0, front)
    caddy.load(config)
    found = _again(there, APP)
    assert (found.status, found.reason) == (Truth.FALSE, "AnsweredByAnother")
    assert "apps/http/servers/srv0/routes/0" in found.message


def test_another_server_at_the_same_port_is_named(caddy: RealCaddy, world: Make) -> None:
    """It listens on just this address, ours on all: the system gives the connection to it."""
    caddy.load(_server(_here(caddy), _theirs("app.example.com")))
    there = world(edge_of(caddy, ownership="routes", listen=[f"http://:{caddy.http_port}"], **QUICK))
    found = _verified(there, APP)
    assert found.reason == "AnsweredByAnother"
    assert "apps/http/servers/srv0/routes/0" in found.message


@pytest.fixture
def old_caddy(caddy: RealCaddy, tmp_path: Path) -> Iterator[RealCaddy]:
    """A second Caddy of the same account, which listens at the port of the first."""
    with RealCaddy(tmp_path / "old") as old:
        old.load(_server(_here(caddy), _theirs("app.example.com")))
        yield old


def test_a_second_caddy_at_the_same_port_is_noticed(
    caddy: RealCaddy, world: Make, old_caddy: RealCaddy
) -> None:
    """The system shares the connections out between the two, so that one answer alone proves nothing."""
    there = world(edge_of(caddy, **QUICK))
    found = _verified(there, APP)
    assert (found.status, found.reason) == (Truth.FALSE, "AnsweredByAnother")
    assert "another program that listens there" in found.message
    old_caddy.load({})
    assert _again(there, APP).reason == "Answering"


def test_every_domain_is_proved(caddy: RealCaddy, world: Make) -> None:
    """Not the first alone."""
    caddy.load(_server(_here(caddy), _theirs("www.example.com")))
    found = _verified(world(_in_srv0(caddy)), host("app", domains=["app.example.com", "www.example.com"]))
    assert found.reason == "AnsweredByAnother"
    assert found.message.startswith("www.example.com at ")


def test_what_answers_for_some_paths_is_no_rival(caddy: RealCaddy, world: Make) -> None:
    """Others may serve a path of a domain whose rest is ours; so may a route that passes requests on."""
    path = {"match": [{"host": ["app.example.com"], "path": ["/theirs"]}]}
    passing = {"match": [{"host": ["app.example.com"]}], "handle": [{"handler": "vars", "a": "b"}]}
    caddy.load(_server(_here(caddy), {**_theirs(), **path}, passing))
    there = world(_in_srv0(caddy))
    assert _verified(there, APP).status is Truth.TRUE
    assert there.notices(APP) == []


def test_a_host_whose_route_is_gone_is_not_ready(caddy: RealCaddy, world: Make) -> None:
    """Whatever answers in its place."""
    there = world(edge_of(caddy, **QUICK))
    applied(there, host("other", domains=["*.example.com"]))
    assert _again(there, APP).reason == "RouteMissing"


def test_the_token_of_a_proof_opens_nothing(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Guards and Services are behind it: it names its route, and no Service gets to see it."""
    there = world(edge_of(caddy, **QUICK))
    with Upstream() as upstream:
        behind, guarded = service("app", upstream.address), host("app", service="app", basicAuth=LOGIN)
        assert _verified(there, behind, guarded).reason == "Answering"
        token = there.provider.observe().layout.tokens["app"]
        answer = ask("/secret", "POST", **{PROOF.replace("-", "_"): token})
        assert (answer.status_code, answer.content) == (204, b"")
        assert PROOF.lower() not in str(upstream.headers).lower()
    assert _again(there, behind, guarded).reason == "UpstreamUnavailable"


def test_routes_are_looked_for_where_visitors_arrive() -> None:
    """A server at another port answers nobody here, and one that is nearer comes first."""

    def tree(**listens: str) -> Any:
        servers = {name: {"listen": [text], "routes": [_theirs("a.org")]} for name, text in listens.items()}
        return {"apps": {"http": {"servers": servers}}}

    here = Address("127.0.0.1", 443)
    assert rival(tree(other=":444"), "app", "a.org", here) is None
    assert rival({}, "app", "a.org", here) is None
    found = rival(tree(all=":443", near="127.0.0.1:443"), "app", "a.org", here)
    assert found is not None
    assert found.path == "apps/http/servers/near/routes/0"
