"""Who gets in: by address, by password and by the bouncer, whatever rules a Host has."""

from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

import pytest
from hypothesis import given

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.caddy.actions import early_headers, is_guard
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.edge import bouncer_handler
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.strategies import estates
from tests.providers.caddy.visitor import Ask, basic
from tests.providers.caddy.world import World, applied, edge, edge_of, host, service

Make = Callable[[AnyResource], World]
HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"
# What bcrypt makes of "wonderland", at its least cost.
HASH = "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"


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
    assert ask("/ADMIN/x", Authorization=basic("ann", "looking-glass")).status_code == 401
    assert ask("/admin", Authorization=basic("ann", "wonderland")).text == "ann"
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


@pytest.mark.parametrize("path", ["/admin", "/ADMIN", "//admin", "/%61dmin"])
def test_no_spelling_of_a_path_gets_past_a_guard(caddy: RealCaddy, world: Make, path: str) -> None:
    """A rule sees what the path comes to."""
    assert _status_behind_a_guard(caddy, world, path) == 403


@pytest.mark.parametrize("path", ["/./admin", "/x/../admin", "/x/%2e%2e/admin", "/admin%2fx"])
def test_a_path_that_means_two_things_is_refused_before_a_guard(
    caddy: RealCaddy, world: Make, path: str
) -> None:
    """What the rule sees and what is forwarded would differ."""
    assert _status_behind_a_guard(caddy, world, path) == 400


def _status_behind_a_guard(caddy: RealCaddy, world: Make, path: str) -> int:
    guarded = {"match": {"pathPrefix": "/admin"}, "allow": [ELSEWHERE]}
    applied(world(edge_of(caddy)), host("app", rules=[guarded], response={"body": "in"}))
    visitor = HTTPConnection(HERE, caddy.http_port, timeout=60)
    visitor.putrequest("GET", path, skip_host=True)
    visitor.putheader("Host", "app.example.com")
    visitor.endheaders()
    status = visitor.getresponse().status
    visitor.close()
    return status


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
    assert ask("/login", Authorization=basic("ann", "wonderland")).text == "in"
    verdicts.status = 403
    asked = len(upstream.paths)
    banned = [ask(path, Authorization=basic("ann", "wonderland")) for path in (*PATHS, "/")]
    assert {each.status_code for each in banned} == {403}
    assert len(upstream.paths) == asked


@pytest.mark.parametrize(
    "bouncer",
    [{"mode": "module", "key": {"env": "KEY"}}, {"mode": "forward-auth", "key": {"env": "KEY"}}],
    ids=["module", "forward-auth"],
)
@given(resources=estates())
def test_the_bouncer_and_the_guards_come_first(bouncer: dict[str, Any], resources: list[AnyResource]) -> None:
    """Of whatever Hosts, behind changes of responses; behind them is what the Host does, then its rules."""
    there = edge(crowdsec={"bouncer": bouncer})
    section: CaddySettings = there.spec.caddy  # type: ignore[attr-defined] # the world's own Edge
    compiled = Compiler(there, section).compile(EagerResources([there, *resources], ""), Layout())
    for each in resources:
        if isinstance(each.spec, HostSpec) and each.spec.enabled:
            for route in compiled[f"host/{each.name}"].content["routes"]:
                _expect_order(each.spec, route["handle"], bouncer_handler(there))


def _expect_order(spec: HostSpec, handle: list[dict[str, Any]], bouncer: dict[str, Any] | None) -> None:
    handle = handle[len([*early_headers(spec.headers.response)]) :]
    front = [bouncer] if spec.bouncer else []
    assert handle[: len(front)] == front
    guards = handle[len(front) :][: spec.refuses_paths + bool(spec.allow) + bool(spec.basic_auth)]
    assert all(map(is_guard, guards))
    assert not any(is_guard(each) or each == bouncer for each in handle[len(front) + len(guards) :])
