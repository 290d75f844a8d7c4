"""Rules of a Host, as visitors of a real Caddy find them."""

from collections.abc import Callable
from typing import Any

import pytest

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World, applied, edge_of, host, service

Make = Callable[[AnyResource], World]
HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"


def matching(match: dict[str, Any]) -> AnyResource:
    """A Host that says `yes` where a match fits, and `no` where it does not."""
    rule = {"match": match, "response": {"body": "yes"}}
    return host("app", rules=[rule], response={"body": "no"})


@pytest.mark.parametrize(
    ("match", "fits", "others"),
    [
        ({"path": "/login"}, ["/login", "/LOGIN", "/login?a=b", "//login"], ["/", "/login/", "/loginx"]),
        ({"pathPrefix": "/api"}, ["/api", "/apis", "/api/a/b", "/API/x"], ["/", "/ap", "/x/api"]),
        ({"pathPrefix": "/api/"}, ["/api/", "/api/a"], ["/api", "/apis"]),
        ({"pathPrefix": "/"}, ["/", "/x"], []),
        ({"pathRegexp": "^/v[0-9]+/"}, ["/v1/", "/v12/x"], ["/v/", "/V1/", "/x/v1/"]),
        ({"query": {"page": "2"}}, ["/?page=2", "/x?a=b&page=2"], ["/", "/?page=22", "/?page"]),
        ({"query": {"page": "*"}}, ["/?page=2", "/?page="], ["/", "/?pages=1"]),
        ({"any": [{"path": "/a"}, {"path": "/b"}]}, ["/a", "/b"], ["/", "/ab"]),
        ({"not": {"path": "/a"}}, ["/", "/b"], ["/a"]),
        ({"all": [{"pathPrefix": "/a"}, {"pathPrefix": "/ab"}]}, ["/ab", "/abc"], ["/a", "/b"]),
        ({"pathPrefix": "/a", "not": {"path": "/a/b"}}, ["/a", "/a/c"], ["/a/b", "/"]),
        (
            {"pathPrefix": "/a", "any": [{"query": {"x": "1"}}, {"path": "/a/b"}]},
            ["/a?x=1", "/a/b"],
            ["/a", "/b?x=1"],
        ),
        ({"path": "/a", "pathPrefix": "/a", "pathRegexp": "a$"}, ["/a"], ["/ab", "/b"]),
    ],
    ids=str,
)
def test_what_a_match_fits(
    caddy: RealCaddy, world: Make, ask: Ask, match: dict[str, Any], fits: list[str], others: list[str]
) -> None:
    """By path and query, alone and together."""
    applied(world(edge_of(caddy)), matching(match))
    assert {path: ask(path).text for path in (*fits, *others)} == {
        **dict.fromkeys(fits, "yes"),
        **dict.fromkeys(others, "no"),
    }


def test_a_match_by_method_and_headers(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Values with a wildcard, and regular expressions; of each header that is named."""
    there = world(edge_of(caddy))
    applied(there, matching({"methods": ["POST", "PUT"]}))
    assert [ask(method=each).text for each in ("GET", "POST", "PUT")] == ["no", "yes", "yes"]
    applied(
        there,
        matching({"headers": {"X-Team": "ops", "X-Probe": "*"}, "headerRegexps": {"X-Age": "^[0-9]+$"}}),
    )
    assert ask(X_Team="ops", X_Probe="", X_Age="12").text == "yes"
    assert ask(X_Team="ops", X_Probe="1", X_Age="old").text == "no"
    assert ask(X_Team="opsy", X_Probe="1", X_Age="12").text == "no"
    assert ask(X_Team="ops", X_Age="12").text == "no"


def test_a_match_by_the_visitors_address(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """That of the connection, or what a trusted proxy says."""
    there = world(edge_of(caddy, trustedProxies=[HERE]))
    applied(there, matching({"clientIps": ["203.0.113.0/24", "2001:db8::/32"]}))
    assert [ask().text, ask(X_Forwarded_For=ELSEWHERE).text] == ["no", "yes"]
    assert ask(X_Forwarded_For="2001:db8::1").text == "yes"


def test_the_first_rule_that_fits_decides(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Also where a later one is more exact. What none fits is the Host's, or nobody's."""
    rules = [
        {"match": {"pathPrefix": "/a"}, "response": {"body": "first"}},
        {"match": {"path": "/a/b"}, "response": {"body": "second"}},
        {"match": {"path": "/c"}, "response": {"body": "third"}},
    ]
    there = world(edge_of(caddy))
    applied(there, host("app", rules=rules, response={"body": "host"}))
    assert [ask(path).text for path in ("/a/b", "/c", "/d")] == ["first", "third", "host"]
    alone = host("app", domains=["app.example.com"], rules=rules, service=None)
    applied(there, alone)
    assert [ask(path).status_code for path in ("/a/b", "/c", "/d")] == [200, 200, 404]


def test_rules_have_services_of_their_own(
    caddy: RealCaddy, upstream: Upstream, world: Make, ask: Ask
) -> None:
    """With the path that they say; a change of such a Service is a change of the Host."""
    with Upstream("api") as api:
        rules = [{"match": {"pathPrefix": "/api/"}, "service": "api", "rewrite": {"stripPrefix": "/api"}}]
        there = world(edge_of(caddy))
        front, app = service("front", upstream.address), host("app", service="front", rules=rules)
        applied(there, front, service("api", api.address), app)
        assert [ask("/api/v1?x=y").text, ask("/other").text] == ["api\n", "upstream\n"]
        assert (api.paths, upstream.paths) == (["/v1?x=y"], ["/other"])
        assert there.changes(front, service("api", upstream.address), app) == ["update host/app"]


@pytest.mark.parametrize(
    ("rewrite", "asked", "came"),
    [
        ({"path": "/new"}, "/a/b?x=y", "/new?x=y"),
        ({"path": "/index.php?page={http.request.uri.path}"}, "/a", "/index.php?page=%2Fa"),
        ({"stripPrefix": "/api"}, "/api/v1/a?x=y", "/v1/a?x=y"),
        ({"stripPrefix": "/api"}, "/api", "/"),
        ({"stripPrefix": "/api"}, "/api/a%20b%2Fc", "/a%20b%2Fc"),
        ({"addPrefix": "/v2"}, "/a/b?x=y", "/v2/a/b?x=y"),
        ({"addPrefix": "/v2$1"}, "/a%20b%2Fc", "/v2$1/a%20b%2Fc"),
        ({"replace": {"pattern": "^/user/([a-z]+)$", "replacement": "/u/$1"}}, "/user/ann?x=y", "/u/ann?x=y"),
        (
            {"stripPrefix": "/a", "replace": {"pattern": "/b", "replacement": "/c"}, "addPrefix": "/d"},
            "/a/b",
            "/d/c",
        ),
    ],
    ids=str,
)
def test_a_rewrite_changes_what_the_service_is_asked_for(
    caddy: RealCaddy,
    upstream: Upstream,
    world: Make,
    ask: Ask,
    rewrite: dict[str, Any],
    asked: str,
    came: str,
) -> None:
    """The path alone: the query stays, and what is encoded stays so."""
    applied(
        world(edge_of(caddy)),
        service("app", upstream.address),
        host("app", service="app", rules=[{"rewrite": rewrite}]),
    )
    assert ask(asked).text == "upstream\n"
    assert upstream.paths == [came]


@pytest.mark.parametrize(
    ("rule", "asked", "location"),
    [
        ({"redirect": {"to": "https://b.example.com"}}, "/a?x=y", "https://b.example.com/a?x=y"),
        ({"redirect": {"to": "/app/", "preservePath": False}, "match": {"path": "/"}}, "/", "/app/"),
        ({"redirect": {"scheme": "https"}}, "/a?x=y", "https://app.example.com/a?x=y"),
        ({"redirect": {"scheme": "https", "port": 8443}}, "/a", "https://app.example.com:8443/a"),
        (
            {
                "match": {"pathRegexp": "^/u/([a-z]+)/(.*)$"},
                "redirect": {
                    "to": "https://{http.regexp.path.1}.example.com/{http.regexp.path.2}",
                    "preservePath": False,
                },
            },
            "/u/ann/x",
            "https://ann.example.com/x",
        ),
        (
            {"rewrite": {"stripPrefix": "/old"}, "redirect": {"to": "https://b.example.com"}},
            "/old/a",
            "https://b.example.com/a",
        ),
    ],
    ids=str,
)
def test_redirects(
    caddy: RealCaddy, world: Make, ask: Ask, rule: dict[str, Any], asked: str, location: str
) -> None:
    """To another host, another scheme and port, another path, and with what a match found."""
    applied(world(edge_of(caddy)), host("app", rules=[rule]))
    answer = ask(asked)
    assert (answer.status_code, answer.headers["Location"]) == (308, location)


def test_headers_of_a_rule_come_beside_those_of_the_host(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Its own requests alone have them."""
    rules = [
        {
            "match": {"path": "/a"},
            "headers": {"response": {"set": {"X-Rule": "yes"}}, "request": {"set": {"X-User": "ann"}}},
            "response": {"body": "{http.request.header.X-User}"},
        }
    ]
    all_of_them = {"response": {"set": {"X-Host": "yes"}}}
    applied(world(edge_of(caddy)), host("app", rules=rules, headers=all_of_them))
    assert [ask("/a").headers.get(name) for name in ("X-Rule", "X-Host")] == ["yes", "yes"]
    assert [ask("/b").headers.get(name) for name in ("X-Rule", "X-Host")] == [None, "yes"]
    assert ask("/a").text == "ann"


def test_a_wrong_expression_is_told_with_its_host(caddy: RealCaddy, world: Make) -> None:
    """Where only Caddy knows that it is wrong."""
    with pytest.raises(TerminalError, match=r"Host/app: .*invalid"):
        world(edge_of(caddy)).apply(host("other"), matching({"pathRegexp": r"\pX"}))


def test_one_domain_with_and_without_tls(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """What is said for plain HTTP goes before Caddy's own redirect to HTTPS, which stays for the rest."""
    there = world(edge_of(caddy))
    safe = host("safe", domains=["app.example.com", "b.example.com"], tls={"mode": "internal"})
    applied(there, safe, host("app", response={"body": "plain"}))
    assert ask().text == "plain"
    assert caddy.get("app.example.com", tls=True).text == "safe"
    assert caddy.get("b.example.com").status_code == 308
