"""An estate of Stacks as people write them for Traefik: what each route means is written here by hand.

Every route is that, or there is a finding at its line: nothing is silently different.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.providers.docker.labels.estate import Estate, said

HASH = "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"
USERS = f"ann:{HASH.replace('$', '$$')}"
R, S, M = "traefik.http.routers.", "traefik.http.services.", "traefik.http.middlewares."
PASSWORD = {"users": {"ann": HASH}, "realm": "traefik"}


class Stack(NamedTuple):
    """Labels of one service, or of several; and the Host, less what all have, or words of a finding."""

    labels: Sequence[str] | Mapping[str, Sequence[str]]
    means: Mapping[str, Any] | str
    spec: Mapping[str, Any] = {}
    service: Mapping[str, Any] = {}


def path(value: str) -> dict[str, Any]:
    return {"path": value, "caseSensitive": True}


def prefix(value: str) -> dict[str, Any]:
    return {"pathPrefix": value, "caseSensitive": True}


def rule(name: str, more: str = "") -> str:
    return f"{R}{name}.rule=Host(`{name}.example.com`){more}"


STACKS: dict[str, Stack] = {
    "plainest": Stack([rule("plainest")], {"service": "plainest-app"}),
    "variables": Stack(
        [f"{R}variables.rule=Host(`variables.${{DOMAIN:-example.com}}`)"], {"service": "variables-app"}
    ),
    "from-env": Stack(
        [f"{R}from-env.rule=Host(`from-env.${{DOMAIN}}`)"],
        {"service": "from-env-app"},
        {"environment": {"DOMAIN": "example.com"}},
    ),
    "http": Stack(
        [rule("http"), f"{R}http.entrypoints=web"], {"service": "http-app", "tls": {"mode": "off"}}
    ),
    "prefixes": Stack(
        [rule("prefixes", " && (PathPrefix(`/api`) || Path(`/Login`))")],
        {"rules": [{"match": {"any": [prefix("/api"), path("/Login")]}, "service": "prefixes-app"}]},
    ),
    "negated": Stack(
        [rule("negated", " && !PathPrefix(`/admin`) && !Path(`/secret`)")],
        {
            "rules": [
                {
                    "match": {"all": [{"not": prefix("/admin")}, {"not": path("/secret")}]},
                    "service": "negated-app",
                }
            ]
        },
    ),
    "methods": Stack(
        [rule("methods", " && Method(`GET`)")],
        {"rules": [{"match": {"methods": ["GET"]}, "service": "methods-app"}]},
    ),
    "stripped": Stack(
        [
            rule("stripped", " && PathPrefix(`/app`)"),
            f"{R}stripped.middlewares=stripped",
            f"{M}stripped.stripprefix.prefixes=/app",
        ],
        {
            "rules": [
                {
                    "match": prefix("/app"),
                    "headers": {"request": {"set": {"X-Forwarded-Prefix": "/app"}}},
                    "rewrite": {"stripPrefix": "/app"},
                    "service": "stripped-app",
                }
            ]
        },
    ),
    "chained": Stack(
        [
            rule("chained"),
            f"{R}chained.middlewares=chained-all@docker",
            f"{M}chained-all.chain.middlewares=chained-lan,chained-login",
            f"{M}chained-lan.ipallowlist.sourcerange=192.0.2.0/24, 2001:db8::/32",
            f"{M}chained-login.basicauth.users={USERS}",
        ],
        {"service": "chained-app", "allow": ["192.0.2.0/24", "2001:db8::/32"], "basicAuth": PASSWORD},
    ),
    "shared": Stack(
        [rule("shared"), f"{R}shared.middlewares=chained-login"],
        {"service": "shared-app", "basicAuth": PASSWORD},
    ),
    "open-by-path": Stack(
        {
            "web": [
                f"{R}open-web.rule=Host(`open-by-path.example.com`) && PathPrefix(`/public`)",
                f"{R}open-web.service=open-web",
                f"{S}open-web.loadbalancer.server.port=80",
            ],
            "adm": [
                f"{R}open-adm.rule=Host(`open-by-path.example.com`)",
                f"{R}open-adm.middlewares=chained-login",
                f"{R}open-adm.service=open-adm",
                f"{S}open-adm.loadbalancer.server.port=80",
            ],
        },
        {
            "rules": [
                {"match": prefix("/public"), "service": "open-by-path-open-web"},
                {"basicAuth": PASSWORD, "service": "open-by-path-open-adm"},
            ]
        },
    ),
    "ranked": Stack(
        [
            f"{R}ranked-low.rule=Host(`ranked.example.com`) && PathPrefix(`/long/enough/to/win`)",
            f"{R}ranked-low.priority=1",
            f"{R}ranked-high.rule=Host(`ranked.example.com`)",
            f"{R}ranked-high.priority=2",
            f"{R}ranked-high.middlewares=chained-login",
        ],
        {"service": "ranked-app", "basicAuth": PASSWORD},
    ),
    "cased": Stack(
        [f"{R.upper()}Cased.Rule=Host(`Cased.Example.com`)", f"{R}CASED.EntryPoints=WebSecure"],
        {"service": "cased-app"},
    ),
    "secured": Stack(
        [
            rule("secured"),
            f"{R}secured.middlewares=secured",
            f"{M}secured.headers.framedeny=true",
            f"{M}secured.headers.stsseconds=100",
            f"{M}secured.headers.customrequestheaders.X-Script-Name=",
        ],
        {
            "service": "secured-app",
            "headers": {
                "request": {"remove": ["X-Script-Name"]},
                "response": {"set": {"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=100"}},
            },
        },
    ),
    "moved": Stack(
        [
            rule("moved"),
            f"{R}moved.middlewares=moved",
            f"{M}moved.redirectregex.regex=^https://moved\\.example\\.com/old/(.*)$$",
            f"{M}moved.redirectregex.replacement=https://plainest.example.com/$${{1}}",
        ],
        {
            "rules": [
                {
                    "match": {"uriRegexp": "^/old/(.*)$", "methods": ["GET"]},
                    "redirect": {
                        "to": "https://plainest.example.com/{http.regexp.uri.1}",
                        "status": 302,
                        "preservePath": False,
                    },
                },
                {
                    "match": {"uriRegexp": "^/old/(.*)$"},
                    "redirect": {
                        "to": "https://plainest.example.com/{http.regexp.uri.1}",
                        "status": 307,
                        "preservePath": False,
                    },
                },
                {"service": "moved-app"},
            ]
        },
    ),
    "https": Stack(
        [
            rule("https"),
            f"{R}https.entrypoints=websecure",
            f"{R}https-plain.rule=Host(`https.example.com`)",
            f"{R}https-plain.entrypoints=web",
            f"{R}https-plain.middlewares=https",
            f"{M}https.redirectscheme.scheme=https",
            f"{M}https.redirectscheme.permanent=true",
        ],
        {"service": "https-app"},
    ),
    "linked": Stack(
        [rule("linked"), f"{S}linked.loadbalancer.server.port=80"],
        {"service": "linked-linked"},
        service={"network_mode": "service:vpn", "ports": None},
    ),
    "disabled": Stack(["traefik.enable=false", rule("disabled")], "NoRoute"),
    "not-enabled": Stack([rule("not-enabled"), "traefik.enable=no"], "expected true or false"),
    "silent": Stack([], "LabelInvalid"),
    "caddy": Stack([rule("caddy"), "caddy=caddy.example.com"], {"service": "caddy-app"}),
    "first": Stack(["traefik.frontend.rule=Host:first.example.com"], "only Traefik 1 knows it"),
    "tcp": Stack([rule("tcp"), "traefik.tcp.routers.tcp.rule=HostSNI(`*`)"], "an Edge serves no TCP"),
    "asking": Stack(
        [rule("asking"), f"{R}asking.middlewares=asking", f"{M}asking.forwardauth.address=http://auth"],
        "nothing like the middleware forwardauth",
    ),
    "elsewhere": Stack(
        [rule("elsewhere"), f"{R}elsewhere.entrypoints=admin"], "nothing is known of the entry point admin"
    ),
    "of-a-file": Stack(
        [rule("of-a-file"), f"{R}of-a-file.middlewares=login@file"], "in no file that is read"
    ),
    "any-domain": Stack([f"{R}any-domain.rule=PathPrefix(`/`)"], "for requests of any domain"),
    "mistyped": Stack([f"{R}mistyped.rule=Hots(`mistyped.example.com`)"], "did you mean Host?"),
    "twice": Stack(
        [f"{R}twice-a.rule=Host(`twice.example.com`)", f"{R}twice-b.rule=Host(`twice.example.com`)"],
        "with the same priority",
    ),
    "weak": Stack(
        [rule("weak"), f"{R}weak.middlewares=weak", f"{M}weak.basicauth.users=ann:$$apr1$$x$$y"],
        "is not hashed with bcrypt",
    ),
}


def compose_of(stack: Stack, port: int) -> str:
    named = stack.labels if isinstance(stack.labels, Mapping) else {"app": stack.labels}
    services: dict[str, Any] = {}
    for number, (name, labels) in enumerate(named.items()):
        enabled = [] if any(each.startswith("traefik.enable") for each in labels) else ["traefik.enable=true"]
        ports = [f"127.0.0.1:{port + number}:80"]
        service = {
            "image": f"example/{name}:1",
            "ports": ports,
            "labels": [*enabled, *labels],
            **stack.service,
        }
        services[name] = {key: value for key, value in service.items() if value is not None}
        if "network_mode" in stack.service:
            services["vpn"] = {"image": "example/vpn:1", "ports": ports}
    return json.dumps({"services": services})


def _names(message: str, stack: str) -> bool:
    return re.search(rf"{stack}[:,]", message) is not None


def test_b_no_route_of_an_estate_is_silently_different(estate: Estate) -> None:
    """Each Host is what is written here, and whoever has none has a finding at a line of its own file."""
    for number, (name, stack) in enumerate(STACKS.items()):
        estate.add(name, compose_of(stack, 20000 + 10 * number), **stack.spec)
    loaded = estate.load()
    hosts = said(loaded, "Host")
    found = {
        each["domains"][0].split(".")[0]: {k: v for k, v in each.items() if k not in ("edge", "domains")}
        for each in hosts.values()
    }
    expected = {
        name: {"ambiguousPaths": "clean", **stack.means}
        for name, stack in STACKS.items()
        if not isinstance(stack.means, str)
    }
    findings = [*loaded.problems, *loaded.warnings]
    for name, stack in STACKS.items():
        own = [str(each) for each in findings if _names(each.message, f"Stack/{name}")]
        if isinstance(stack.means, str):
            assert any(stack.means in each for each in own), (name, own)
            assert all(":0" not in each.split(" ")[0] for each in own), own
        elif name != "caddy":
            assert own == [], name
    assert {name: host for name, host in found.items() if name in expected} == expected
    assert found.keys() <= expected.keys() | {"tcp"}


ENTRY_POINTS = f"""\
services:
  traefik:
    image: traefik:v3
    command:
      - --providers.docker.exposedbydefault=false
      - --entrypoints.web.address=:80
      - --entrypoints.web.http.redirections.entrypoint.to=websecure
      - --entrypoints.websecure.address=:443
      - --entrypoints.websecure.http.middlewares=edge-login@docker
    labels:
      - traefik.enable=true
      - {M}edge-login.basicauth.users={USERS}
"""


def test_b_a_password_of_the_entry_point_is_in_front_of_every_route_of_an_estate(estate: Estate) -> None:
    """Of those that are Hosts: over HTTPS with the password, over plain HTTP a redirect and no more."""
    estate.add("proxy", ENTRY_POINTS)
    chosen = {name: stack for name, stack in STACKS.items() if not isinstance(stack.means, str)}
    for number, (name, stack) in enumerate(chosen.items()):
        estate.add(name, compose_of(stack, 20000 + 10 * number), **stack.spec)
    loaded = estate.load()
    hosts = said(loaded, "Host")
    served = {host["domains"][0].split(".")[0] for host in hosts.values()}
    assert chosen.keys() - served == {name for name, each in chosen.items() if "basicAuth" in str(each.means)}
    assert {each.message.rpartition(": ")[2] for each in loaded.problems} == {
        "a second password for one request"
    }
    for host in hosts.values():
        parts = [host, *host.get("rules", ())]
        if host.get("tls") == {"mode": "off"}:
            assert "service" not in str(host)
        else:
            answering = [part for part in parts if "service" in part or "redirect" in part]
            assert all(part.get("basicAuth") == PASSWORD for part in answering), host
