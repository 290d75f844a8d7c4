"""Compose files with labels, served by a real Caddy as Traefik would serve them."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.components.upstream import LoopbackServer
from tests.providers.caddy.world import World
from tests.providers.docker.labels.estate import Estate

HASH = "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"
"""What bcrypt makes of `wonderland`."""
NAMES = ("web", "api", "admin")
COMPOSE = """\
services:
  web:
    image: example/web:1
    ports: ["127.0.0.1:{web}:80"]
    labels:
      traefik.enable: "true"
      traefik.http.routers.web.rule: Host(`site.example.com`)
      traefik.http.routers.web.entrypoints: web
      traefik.http.routers.web.middlewares: secure
      traefik.http.middlewares.secure.headers.framedeny: "true"
      traefik.http.middlewares.secure.headers.customrequestheaders.X-Script-Name: shop
      traefik.http.middlewares.secure.headers.customresponseheaders.X-Served-By: ""
  api:
    image: example/api:1
    ports: ["127.0.0.1:{api}:80"]
    labels:
      - traefik.enable=true
      - traefik.http.routers.api.rule=Host(`site.example.com`) && PathPrefix(`/api`) && !Method(`DELETE`)
      - traefik.http.routers.api.entrypoints=web
      - traefik.http.routers.api.middlewares=strip@docker,v1
      - traefik.http.middlewares.strip.stripprefix.prefixes=/api
      - traefik.http.middlewares.v1.addprefix.prefix=/v1
      - traefik.http.routers.keyed.rule=Host(`site.example.com`) && (Header(`X-Key`,`one`)||Query(`k`,`one`))
      - traefik.http.routers.keyed.priority=1000
      - traefik.http.routers.keyed.entrypoints=web
      - traefik.http.services.api.loadbalancer.server.port=80
  admin:
    image: example/admin:1
    ports: ["127.0.0.1:{admin}:80"]
    labels:
      - traefik.enable=true
      - traefik.http.routers.admin.rule=Host(`admin.example.com`)
      - traefik.http.routers.admin.entrypoints=web
      - traefik.http.routers.admin.middlewares=all
      - traefik.http.middlewares.all.chain.middlewares=lan,auth
      - traefik.http.middlewares.lan.ipallowlist.sourcerange=127.0.0.0/8
      - traefik.http.middlewares.auth.basicauth.users=ann:{hash}
      - traefik.http.middlewares.auth.basicauth.removeheader=true
      - traefik.http.middlewares.auth.basicauth.headerfield=X-User
      - traefik.http.routers.closed.rule=Host(`closed.example.com`)
      - traefik.http.routers.closed.entrypoints=web
      - traefik.http.routers.closed.middlewares=nobody
      - traefik.http.middlewares.nobody.ipallowlist.sourcerange=192.0.2.0/24
      - traefik.http.routers.old.rule=Host(`old.example.com`)
      - traefik.http.routers.old.entrypoints=web
      - traefik.http.routers.old.middlewares=moved
      - traefik.http.middlewares.moved.redirectregex.regex=^http://old\\.example\\.com/(.*)
      - traefik.http.middlewares.moved.redirectregex.replacement=http://site.example.com/$${{1}}
      - traefik.http.middlewares.moved.redirectregex.permanent=true
      - traefik.http.routers.tls.rule=Host(`tls.example.com`)
      - traefik.http.routers.tls.entrypoints=web
      - traefik.http.routers.tls.middlewares=tls
      - traefik.http.middlewares.tls.redirectscheme.scheme=https
      - traefik.http.routers.cors.rule=Host(`cors.example.com`)
      - traefik.http.routers.cors.entrypoints=web
      - traefik.http.routers.cors.middlewares=cors
      - traefik.http.middlewares.cors.headers.accesscontrolalloworiginlist=https://one.example.com
      - traefik.http.middlewares.cors.headers.accesscontrolallowmethods=GET,PUT
      - traefik.http.routers.any.rule=HostRegexp(`^[a-z]+\\.any\\.example\\.com$$`)
      - traefik.http.routers.any.entrypoints=web
      - traefik.http.routers.regexp.rule=Host(`regexp.example.com`)
      - traefik.http.routers.regexp.entrypoints=web
      - traefik.http.routers.regexp.middlewares=version
      - traefik.http.middlewares.version.stripprefixregex.regex=/v[0-9]+
"""

Ask = Callable[..., httpx.Response]


class Echo(LoopbackServer):
    """Answers with its name, the path that it was asked for, and some headers of the request."""

    def __init__(self, name: str) -> None:
        super().__init__(_echoing(name))


def _echoing(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = ("X-Script-Name", "X-Forwarded-Prefix", "X-User", "Authorization")
            body = f"{name} {self.path}".encode()
            self.send_response(200)
            self.send_header("X-Served-By", name)
            for each in told:
                self.send_header(f"Got-{each}", self.headers.get(each, ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    return Handler


@pytest.fixture
def ask(estate: Estate, caddy: RealCaddy, tmp_path: Path) -> Iterator[Ask]:
    """The Compose file applied to a real Caddy, with a server of ours behind each published port."""
    with ExitStack() as servers:
        ports = {name: servers.enter_context(Echo(name)).server_port for name in NAMES}
        estate.add("shop", COMPOSE.format(hash=HASH.replace("$", "$$"), **ports))
        estate.edge = {
            "caddy": {"adminUrl": caddy.admin_url, "listen": [f"http://127.0.0.1:{caddy.http_port}"]}
        }
        loaded = estate.load()
        assert loaded.problems == ()
        kinds = [loaded.resources.of_kind(kind) for kind in ("Host", "Service")]
        world = World(loaded.resources.of_kind("Edge")["main"], tmp_path / "cache")
        servers.callback(world.provider.close)
        _apply(world, [each for named in kinds for each in named.values()])
        with httpx.Client(base_url=f"http://127.0.0.1:{caddy.http_port}", trust_env=False) as visitor:
            yield lambda host, path="/", method="GET", **headers: visitor.request(
                method, path, headers={"Host": f"{host}.example.com", **_named(headers)}
            )


def _apply(world: World, resources: list[AnyResource]) -> None:
    world.apply(*resources)
    assert world.changes(*resources) == []


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def test_requests_go_where_traefik_would_send_them(ask: Ask) -> None:
    """By priority, path, method, header and query; prefixes go and come."""
    assert ask("site").text == "web /"
    assert ask("site", "/apis").text == "api /v1/s"
    assert ask("site", "/api/users?a=b").text == "api /v1/users?a=b"
    assert ask("site", "/api/users", "DELETE").text == "web /api/users"
    assert ask("site", "/x", X_Key="one").text == "api /x"
    assert ask("site", "/x", X_Key="two").text == "web /x"
    assert ask("site", "/api?k=one").text == "api /api?k=one"
    assert ask("a.any").text == "admin /"
    assert ask("regexp", "/v12/users").text == "admin /users"
    assert ask("regexp", "/users").text == "admin /users"


def test_a_narrow_host_regexp_leaves_other_names_alone(ask: Ask) -> None:
    """`[a-z]+` is no digit: nobody answers with the service."""
    assert "admin" not in ask("1.any").text


def test_headers_are_changed_on_the_way(ask: Ask) -> None:
    answer = ask("site")
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Got-X-Script-Name"] == "shop"
    assert "X-Served-By" not in answer.headers
    assert ask("site", "/api/x").headers["Got-X-Forwarded-Prefix"] == "/api"
    assert ask("regexp", "/v3/x").headers["Got-X-Forwarded-Prefix"] == "/v3"


def test_only_those_get_in_who_may(ask: Ask) -> None:
    """The service learns the name, not the password."""
    assert ask("admin").status_code == 401
    assert ask("closed").status_code == 403
    token = base64.b64encode(b"ann:wonderland").decode()
    answer = ask("admin", Authorization=f"Basic {token}")
    assert (answer.status_code, answer.headers["Got-X-User"]) == (200, "ann")
    assert answer.headers["Got-Authorization"] == ""


def test_redirects_lead_where_traefik_would_lead(ask: Ask) -> None:
    moved, secure = ask("old", "/a?b=c"), ask("tls", "/a")
    assert (moved.status_code, moved.headers["Location"]) == (301, "http://site.example.com/a?b=c")
    assert (secure.status_code, secure.headers["Location"]) == (302, "https://tls.example.com/a")


def test_browsers_learn_which_origins_may_ask(ask: Ask) -> None:
    """A preflight request is answered by the edge."""
    asked = {"Origin": "https://one.example.com", "Access_Control_Request_Method": "PUT"}
    preflight = ask("cors", "/", "OPTIONS", **asked)
    assert preflight.text == ""
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://one.example.com"
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET,PUT"
    assert ask("cors", Origin="https://one.example.com").headers["Access-Control-Allow-Origin"]
    assert "Access-Control-Allow-Origin" not in ask("cors", Origin="https://two.example.com").headers
