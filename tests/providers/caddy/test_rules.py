"""Rules of a Host, as visitors of a real Caddy find them."""

import base64
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

import httpx
import pytest
from hypothesis import given

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.caddy.actions import is_guard
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.edge import bouncer_handler
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.strategies import estates
from tests.providers.caddy.world import World, edge, edge_of, host, service

Make = Callable[[AnyResource], World]
HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"
# What bcrypt makes of "wonderland", at its least cost.
HASH = "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"


class Ask:
    """Asks a real Caddy for app.example.com."""

    def __init__(self, caddy: RealCaddy) -> None:
        self._base = f"http://127.0.0.1:{caddy.http_port}"

    def __call__(self, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(trust_env=False) as visitor:
            return visitor.request(
                method, f"{self._base}{path}", headers={"Host": "app.example.com", **named}
            )


@pytest.fixture
def ask(caddy: RealCaddy) -> Ask:
    return Ask(caddy)


def applied(world: World, *resources: AnyResource) -> None:
    """Applied, and nothing is left to do."""
    world.apply(*resources)
    assert world.changes(*resources) == []


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


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("where", ["literal", "env", "file"])
def test_names_and_passwords(
    make_caddy: Callable[..., RealCaddy], world: Make, where: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A hash in git, or in a place that Caddy alone reads; what is logged in is known to the service."""
    secret = tmp_path_factory.mktemp("secret") / "hash"
    secret.write_text(HASH)
    caddy = make_caddy(env={"ANN_HASH": HASH})
    place = {"literal": HASH, "env": {"env": "ANN_HASH"}, "file": {"file": str(secret)}}[where]
    rule = {
        "match": {"pathPrefix": "/admin"},
        "basicAuth": {"users": {"ann": place}, "realm": "ops"},
        "response": {"body": "{http.auth.user.id}"},
    }
    applied(world(edge_of(caddy)), host("app", rules=[rule], response={"body": "public"}))
    ask = Ask(caddy)
    refused = ask("/admin")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="ops"')
    assert ask("/ADMIN/x", Authorization=_basic("ann", "looking-glass")).status_code == 401
    assert ask("/admin", Authorization=_basic("ann", "wonderland")).text == "ann"
    assert ask("/").text == "public"


def test_only_some_addresses_get_in(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """To one path, and to the whole Host with whatever rules it has."""
    there = world(edge_of(caddy, trustedProxies=[HERE]))
    applied(
        there, host("app", rules=[{"match": {"path": "/admin"}, "allow": ["203.0.113.0/24"]}], response={})
    )
    assert [ask("/admin").status_code, ask("/admin", X_Forwarded_For=ELSEWHERE).status_code] == [403, 200]
    assert ask("/").status_code == 200
    rules = [{"match": {"path": "/a"}, "response": {}}, {"allow": [HERE], "response": {}}]
    applied(there, host("app", allow=[ELSEWHERE], rules=rules))
    assert [ask(path).status_code for path in ("/", "/a")] == [403, 403]
    assert ask("/a", X_Forwarded_For=ELSEWHERE).status_code == 200
    assert ask("/", X_Forwarded_For=ELSEWHERE).status_code == 403


def test_a_rule_may_be_an_exception(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """All but one path is behind a password: the first rule says nothing but that it is the first."""
    rules = [{"match": {"path": "/healthz"}}, {"basicAuth": {"users": {"ann": HASH}}}]
    applied(world(edge_of(caddy)), host("app", rules=rules, response={"body": "in"}))
    assert [ask(path).status_code for path in ("/healthz", "/")] == [200, 401]


def test_a_caddy_without_the_module_says_so(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """A rate limit needs a Caddy that was built with it; nothing was changed where it was not."""
    there = world(edge_of(caddy))
    applied(there, host("app"))
    limited = host(
        "app", rules=[{"match": {"pathPrefix": "/api"}, "rateLimit": {"requests": 5}}], response={}
    )
    with pytest.raises(
        TerminalError, match=r"Host/app: .*lacks the module http\.handlers\.rate_limit"
    ) as raised:
        there.apply(limited)
    assert raised.value.reason == "ModuleMissing"
    assert ask().text == "app"


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


@pytest.mark.parametrize(
    "path",
    ["/admin", "/ADMIN", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/x/%2e%2e/admin", "/admin%2fx"],
)
def test_no_spelling_of_a_path_gets_past_a_guard(caddy: RealCaddy, world: Make, path: str) -> None:
    """A rule sees what the path comes to."""
    guarded = {"match": {"pathPrefix": "/admin"}, "allow": [ELSEWHERE]}
    applied(world(edge_of(caddy)), host("app", rules=[guarded], response={"body": "in"}))
    visitor = HTTPConnection(HERE, caddy.http_port, timeout=60)
    visitor.putrequest("GET", path, skip_host=True)
    visitor.putheader("Host", "app.example.com")
    visitor.endheaders()
    assert visitor.getresponse().status == 403
    visitor.close()


class Verdicts:
    """An agent of the bouncer: it answers `status` to each question."""

    def __init__(self) -> None:
        self.status = 204
        self._server = ThreadingHTTPServer((HERE, 0), _answering(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://{HERE}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answering(verdicts: Verdicts) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server chooses the name
            self.send_response(verdicts.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    return Handler


@pytest.fixture
def verdicts() -> Iterator[Verdicts]:
    with Verdicts() as agent:
        yield agent


EVERY_ANSWER: list[dict[str, Any]] = [
    {"match": {"path": "/response"}, "response": {"body": "in"}},
    {"match": {"path": "/redirect"}, "redirect": {"to": "https://b.example.com"}},
    {"match": {"path": "/service"}, "service": "app"},
    {"match": {"path": "/host"}},
    {"match": {"path": "/login"}, "basicAuth": {"users": {"ann": HASH}}, "response": {"body": "in"}},
    {"match": {"path": "/allow"}, "allow": [HERE], "response": {"body": "in"}},
    {"match": {"path": "/rewrite"}, "rewrite": {"path": "/x"}, "service": "app"},
]
PATHS = [rule["match"]["path"] for rule in EVERY_ANSWER]


@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_no_rule_gets_past_the_bouncer(
    caddy: RealCaddy, upstream: Upstream, world: Make, ask: Ask, verdicts: Verdicts, fail_mode: str
) -> None:
    """Whoever is banned gets 403 for each of them, and for the rest; everybody else gets what they say."""
    bouncer = {"mode": "forward-auth", "key": {"env": "KEY"}, "agentUrl": verdicts.url, "failMode": fail_mode}
    there = world(edge_of(caddy, crowdsec={"bouncer": bouncer}))
    guarded = host("app", service="app", rules=EVERY_ANSWER, bouncer=True)
    applied(there, service("app", upstream.address), guarded)
    assert [ask(path).status_code for path in PATHS] == [200, 308, 200, 200, 401, 200, 200]
    assert ask("/login").headers["WWW-Authenticate"] == 'Basic realm="restricted"'
    assert ask("/login", Authorization=_basic("ann", "wonderland")).text == "in"
    verdicts.status = 403
    asked = len(upstream.paths)
    banned = [ask(path, Authorization=_basic("ann", "wonderland")) for path in (*PATHS, "/")]
    assert {each.status_code for each in banned} == {403}
    assert len(upstream.paths) == asked


@pytest.mark.parametrize(
    "bouncer",
    [{"mode": "module", "key": {"env": "KEY"}}, {"mode": "forward-auth", "key": {"env": "KEY"}}],
    ids=["module", "forward-auth"],
)
@given(resources=estates())
def test_the_bouncer_and_the_guards_come_first(bouncer: dict[str, Any], resources: list[AnyResource]) -> None:
    """Of whatever Hosts; behind them is what the Host does, and behind that its rules."""
    there = edge(crowdsec={"bouncer": bouncer})
    section: CaddySettings = there.spec.caddy  # type: ignore[attr-defined] # the world's own Edge
    compiled = Compiler(there, section).compile(EagerResources([there, *resources], ""), Layout())
    for each in resources:
        if isinstance(each.spec, HostSpec) and each.spec.enabled:
            for route in compiled[f"host/{each.name}"].content["routes"]:
                _expect_order(each.spec, route["handle"], bouncer_handler(there))


def _expect_order(spec: HostSpec, handle: list[dict[str, Any]], bouncer: dict[str, Any] | None) -> None:
    front = [bouncer] if spec.bouncer else []
    assert handle[: len(front)] == front
    guards = handle[len(front) :][: bool(spec.allow) + bool(spec.basic_auth)]
    assert all(map(is_guard, guards))
    assert not any(is_guard(each) or each == bouncer for each in handle[len(front) + len(guards) :])
