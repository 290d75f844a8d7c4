"""Traefik's own configuration in the repository: what it adds to routers is in the Hosts, or is refused."""

from typing import Any

import pytest

from argos_gitops.manifests.loader import Loaded
from tests.providers.docker.labels.estate import Estate, said

HASH = "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"
WIKI = """\
services:
  app:
    image: example/app:1
    ports: ["8080:80"]
    labels:
      - "traefik.enable=true"
      - "traefik.http.routers.app.rule=Host(`app.example.com`)"
      - "traefik.http.routers.app.entrypoints={entry}"
"""
FILE_AUTH = f"""\
http:
  middlewares:
    login:
      basicAuth:
        users:
          - "ann:{HASH}"
    sec:
      headers:
        customResponseHeaders:
          X-Own: "1"
    both:
      chain:
        middlewares: [login, sec]
"""
PASSWORD = {"users": {"ann": HASH}, "realm": "traefik"}


def proxy(*lines: str, image: str = "traefik:v3.1") -> str:
    return "\n".join(
        ("services:", "  traefik:", f"    image: {image}", *(f"    {line}" for line in lines), "")
    )


def command(*arguments: str) -> list[str]:
    return ["command:", *(f'  - "{each}"' for each in arguments)]


def loaded(estate: Estate, traefik: str, entry: str = "websecure", **files: str) -> Loaded:
    estate.add("wiki", WIKI.format(entry=entry))
    estate.add("proxy", traefik, routes="none")
    for name, text in files.items():
        (estate.folder / "stacks" / "proxy" / name.replace("_", ".")).write_text(text)
    return estate.load()


def host(found: Loaded, name: str = "wiki-app") -> Any:
    assert found.problems == ()
    return said(found, "Host")[name]


def told(found: Loaded) -> str:
    return "\n".join(str(problem) for problem in found.problems)


MOUNT = ["volumes:", '  - "./dynamic.yml:/etc/dynamic/dynamic.yml:ro"']


@pytest.mark.parametrize("way", ["arguments", "variables", "yaml", "toml", "named file", "config"])
def test_b2_the_password_of_an_entry_point_is_there_after_moving(estate: Estate, way: str) -> None:
    """Wherever Traefik's configuration says it."""
    flags = ["--entryPoints.websecure.address=:443", "--entrypoints.websecure.http.middlewares=login@file"]
    provider = "--providers.file.directory=/etc/dynamic"
    yaml = (
        "entryPoints: {websecure: {address: ':443', http: {middlewares: [login@file]}}}\n"
        "providers: {file: {directory: /etc/dynamic}}\n"
    )
    toml = (
        '[entryPoints.websecure]\naddress = ":443"\n'
        '[entryPoints.websecure.http]\nmiddlewares = ["login@file"]\n'
        '[providers.file]\ndirectory = "/etc/dynamic"\n'
    )
    variables = [
        "environment:",
        "  TRAEFIK_ENTRYPOINTS_WEBSECURE_ADDRESS: ':443'",
        "  TRAEFIK_ENTRYPOINTS_WEBSECURE_HTTP_MIDDLEWARES: login@file",
        "  TRAEFIK_PROVIDERS_FILE_DIRECTORY: /etc/dynamic",
    ]
    mounted = [*MOUNT, '  - "./traefik.{0}:/etc/traefik/traefik.{0}"']
    traefik, files = {
        "arguments": (proxy(*command(*flags, provider), *MOUNT), {}),
        "variables": (proxy(*variables, *MOUNT), {}),
        "yaml": (proxy(*(each.format("yml") for each in mounted)), {"traefik_yml": yaml}),
        "toml": (proxy(*(each.format("toml") for each in mounted)), {"traefik_toml": toml}),
        "named file": (
            proxy(*command("--configFile=/x.yaml"), *MOUNT, '  - "./traefik.yml:/x.yaml"'),
            {"traefik_yml": yaml},
        ),
        "config": (
            proxy("configs: [{source: own, target: /etc/traefik/traefik.yml}]", *MOUNT)
            + "configs: {own: {file: ./traefik.yml}}\n",
            {"traefik_yml": yaml},
        ),
    }[way]
    found = loaded(estate, traefik, dynamic_yml=FILE_AUTH, **files)
    assert host(found)["basicAuth"] == PASSWORD


def test_b2_middlewares_of_files_are_those_of_labels_by_their_name(estate: Estate) -> None:
    """Chains in files, and routers that name files themselves."""
    flags = command(
        "--providers.file.filename=/etc/dynamic/dynamic.yml", "--entrypoints.websecure.address=:443"
    )
    estate.add(
        "wiki", WIKI.format(entry="websecure") + '      - "traefik.http.routers.app.middlewares=both@file"\n'
    )
    estate.add("proxy", proxy(*flags, *MOUNT), routes="none")
    (estate.folder / "stacks" / "proxy" / "dynamic.yml").write_text(FILE_AUTH)
    assert host(estate.load()) == {
        "edge": "main",
        "domains": ["app.example.com"],
        "service": "wiki-app",
        "basicAuth": PASSWORD,
        "headers": {"response": {"set": {"X-Own": "1"}}},
        "ambiguousPaths": "clean",
    }


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (
            ["volumes:", '  - "/srv/traefik:/etc/traefik"'],
            "/srv/traefik, mounted at /etc/traefik, which is not in git",
        ),
        (["volumes:", '  - "own:/etc/traefik"'], "a volume, mounted at /etc/traefik"),
        (["volumes:", '  - "./traefik.yml:/etc/traefik/traefik.yml"'], "which is no file in git"),
        (["volumes:", '  - "./traefik.toml:/traefik.toml"'], "which is no file in git"),
        (["environment: [TRAEFIK_API]"], "has its value from wherever Compose runs"),
        (command("--configfile=/a.yml"), "its /a.yml is none of the Stack's files"),
        (["entrypoint: [/bin/sh, -c]", *command("traefik")], "its entrypoint /bin/sh -c may be any program"),
        (command("--api", "more"), ""),
    ],
    ids=[
        "folder of the host",
        "volume",
        "not in git",
        "nor here",
        "variable of the host",
        "file that is not there",
        "another program",
        "nothing amiss",
    ],
)
def test_b2_what_cannot_be_read_refuses_the_routes(estate: Estate, lines: list[str], why: str) -> None:
    """Whoever knows better says so in the Stack."""
    volumes = "volumes: {own: {}}\n" if "own:" in str(lines) else ""
    found = loaded(estate, proxy(*lines) + volumes)
    assert why in told(found)
    assert bool(why) == bool(found.problems)
    assert all(each.code == "TraefikConfiguration" for each in found.problems)
    assert {each.location.path for each in found.problems} <= {"argos.yaml"}
    estate.stacks["wiki"] = {**estate.stacks["wiki"], "traefikConfiguration": "ignore"}
    assert "basicAuth" not in host(estate.load())


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--entrypoints.websecure.http.middlewares=login@file"], "no file that is read"),
        (["--entrypoints.websecure.http.middlewares=login"], "no middleware login is defined by labels"),
        (["--entrypoints.websecure.http.tls.options=mtls@file"], "the entry point websecure cannot be said"),
        (["--entrypoints.websecure.http.somethingnew=1"], "the entry point websecure cannot be said"),
        (
            ["--entrypoints.web.address=:80", "--entrypoints.websecure.http.redirections.entrypoint.to=web"],
            "redirects",
        ),
    ],
    ids=["file", "labels", "certificates of visitors", "unknown", "downwards"],
)
def test_b2_what_an_entry_point_may_ask_and_cannot_be_said_refuses(
    estate: Estate, flags: list[str], why: str
) -> None:
    found = loaded(estate, proxy(*command("--entrypoints.websecure.address=:443", *flags)))
    assert why in told(found)
    assert "stacks/proxy/compose.yaml:" in told(found)


def test_b2_an_entry_point_that_redirects_serves_nothing_else(estate: Estate) -> None:
    """A router on it was never asked: it must not be open over plain HTTP now."""
    flags = command(
        "--entrypoints.web.address=:80",
        "--entrypoints.web.http.redirections.entrypoint.to=websecure",
        "--entrypoints.websecure.address=:443",
    )
    assert host(loaded(estate, proxy(*flags), entry="web")) == {
        "edge": "main",
        "domains": ["app.example.com"],
        "tls": {"mode": "off"},
        "rules": [
            {"match": {"methods": ["GET"]}, "redirect": {"scheme": "https", "status": 301}},
            {"redirect": {"scheme": "https"}},
        ],
        "ambiguousPaths": "clean",
    }


def test_b2_the_scheme_of_an_entry_point_is_known_by_its_port(estate: Estate) -> None:
    flags = command("--entrypoints.outside.address=:443", "--entrypoints.inside.address=:80")
    assert "tls" not in host(loaded(estate, proxy(*flags), entry="outside"))
    assert host(loaded(estate, proxy(*flags), entry="inside"))["tls"] == {"mode": "off"}


def test_b2_routers_without_entry_points_have_those_that_are_the_default(estate: Estate) -> None:
    flags = command(
        "--entrypoints.websecure.address=:443",
        "--entrypoints.internal.address=:8443",
        "--entrypoints.websecure.asdefault=true",
        "--entrypoints.websecure.http.middlewares=login@file",
        "--providers.file.filename=/etc/dynamic/dynamic.yml",
    )
    estate.add("wiki", "\n".join(WIKI.splitlines()[:-1]))
    estate.add("proxy", proxy(*flags, *MOUNT), routes="none")
    (estate.folder / "stacks" / "proxy" / "dynamic.yml").write_text(FILE_AUTH)
    assert host(estate.load())["basicAuth"] == PASSWORD


RULED = "services:\n  app:\n    image: example/app:1\n    ports: ['8080:80']\n    labels: [{}]\n"


@pytest.mark.parametrize(
    ("rule", "domain"),
    [
        ("Host(`{{ .Name }}.example.com`)", "app-wiki.example.com"),
        ("Host(`{{ normalize .ContainerName }}.example.com`)", "wiki-app-1.example.com"),
        ("Host(`{{ trimPrefix `/` .Name }}.example.com`)", "app-wiki.example.com"),
        ('Host(`{{ index .Labels \\"com.docker.compose.service\\" }}.example.com`)', "app.example.com"),
    ],
)
def test_b2_the_default_rule_makes_routers(estate: Estate, rule: str, domain: str) -> None:
    flags = command("--entrypoints.websecure.address=:443", f"--providers.docker.defaultRule={rule}")
    estate.add("wiki", RULED.format("traefik.enable=true"))
    estate.add("proxy", proxy(*flags), routes="none")
    found = estate.load()
    assert found.problems == ()
    assert [each["domains"] for each in said(found, "Host").values()] == [[domain]]


def test_b2_a_default_rule_that_is_a_program_refuses_who_needs_it(estate: Estate) -> None:
    rule = 'Host(`{{ if eq .Name \\"a\\" }}a{{ end }}.example.com`)'
    flags = command("--entrypoints.websecure.address=:443", f"--providers.docker.defaultRule={rule}")
    assert host(loaded(estate, proxy(*flags)))["domains"] == ["app.example.com"]
    estate.add("wiki", RULED.format("traefik.enable=true"))
    assert "is not read; give the routers rules of their own" in told(estate.load())


def test_b2_constraints_choose_containers(estate: Estate) -> None:
    flags = command(
        "--entrypoints.websecure.address=:443", "--providers.docker.constraints=Label(`tier`,`public`)"
    )
    found = loaded(estate, proxy(*flags))
    assert (found.problems, said(found, "Host")) == ((), {})
    assert [each.code for each in found.warnings] == ["NoRoute"]
    estate.add("wiki", WIKI.format(entry="websecure") + '      - "tier=public"\n')
    assert host(estate.load())["service"] == "wiki-app"
    other = proxy(*(each.replace("Label(", "LabelRegex(") for each in flags))
    assert "joined with &&, is read" in told(loaded(estate, other))


@pytest.mark.parametrize(
    ("flags", "exposed"), [([], True), (["--providers.docker.exposedbydefault=false"], False)]
)
def test_b2_exposed_by_default_is_what_traefik_says(estate: Estate, flags: list[str], exposed: bool) -> None:
    """And what the Stack says, where it says something."""
    estate.add("wiki", WIKI.format(entry="websecure").replace('      - "traefik.enable=true"\n', ""))
    estate.add("proxy", proxy(*command("--entrypoints.websecure.address=:443", *flags)), routes="none")
    assert (estate.load().problems == ()) is exposed
    estate.stacks["wiki"] = {**estate.stacks["wiki"], "exposedByDefault": not exposed}
    assert (estate.load().problems == ()) is not exposed


def test_b2_certificates_are_looked_at_unless_traefik_does_not(estate: Estate) -> None:
    flags = ["--entrypoints.websecure.address=:443", "--serversTransport.insecureSkipVerify=true"]
    estate.add(
        "wiki",
        WIKI.format(entry="websecure")
        + '      - "traefik.http.services.app.loadbalancer.server.scheme=https"\n',
    )
    for chosen, tls in ((flags[:1], {}), (flags, {"verify": False})):
        estate.add("proxy", proxy(*command(*chosen)), routes="none")
        found = estate.load()
        assert found.problems == ()
        assert said(found, "Service")["wiki-app"]["tls"] == tls


def test_b2_what_has_another_place_is_told(estate: Estate) -> None:
    """Trusted proxies belong to the Edge; routers in files are Hosts that nobody wrote yet."""
    flags = command(
        "--entrypoints.websecure.address=:443",
        "--entrypoints.websecure.forwardedHeaders.trustedIPs=192.0.2.0/24,198.51.100.0/24",
        "--providers.file.filename=/etc/dynamic/dynamic.yml",
    )
    dynamic = "http: {routers: {nas: {rule: 'Host(`nas.example.com`)', service: nas}}}\n"
    found = loaded(estate, proxy(*flags, *MOUNT), dynamic_yml=dynamic)
    assert found.problems == ()
    warnings = [str(each) for each in found.warnings]
    assert "the Edge does not trust 192.0.2.0/24, 198.51.100.0/24" in warnings[0]
    assert "stacks/proxy/dynamic.yml:1:" in warnings[1]
    assert "write a Host" in warnings[1]
    estate.edge = {
        **estate.edge,
        "caddy": {**estate.edge["caddy"], "trustedProxies": ["192.0.2.0/24", "198.51.100.0/24"]},
    }
    assert len(estate.load().warnings) == 1


def test_b2_a_client_certificate_for_everybody_refuses(estate: Estate) -> None:
    flags = command(
        "--entrypoints.websecure.address=:443", "--providers.file.filename=/etc/dynamic/dynamic.yml"
    )
    dynamic = "tls: {options: {default: {clientAuth: {clientAuthType: RequireAndVerifyClientCert}}}}\n"
    assert "asks every visitor for a certificate" in told(
        loaded(estate, proxy(*flags, *MOUNT), dynamic_yml=dynamic)
    )


def test_b2_two_that_differ_refuse(estate: Estate) -> None:
    estate.add("other", proxy(*command("--entrypoints.websecure.address=:8443")), routes="none")
    found = loaded(estate, proxy(*command("--entrypoints.websecure.address=:443")))
    assert "say different things" in told(found)


def test_b2_a_traefik_on_another_host_says_nothing(estate: Estate) -> None:
    further = {
        "apiVersion": "argos.dev/v1",
        "kind": "DockerHost",
        "metadata": {"name": "far"},
        "spec": estate.host,
    }
    estate.further = [further]
    estate.add("wiki", WIKI.format(entry="websecure"))
    estate.add("proxy", proxy(*command("--entrypoints.websecure.http.new=1")), routes="none", host="far")
    assert host(estate.load())["service"] == "wiki-app"


def test_b2_traefik_1_is_not_read(estate: Estate) -> None:
    assert "it is Traefik 1" in told(loaded(estate, proxy(image="traefik:1.7-alpine")))


def test_b2_a_traefik_that_does_not_run_any_more_still_counts(estate: Estate) -> None:
    """While its Stack is in the repository, as docs/routes-from-labels.md says."""
    flags = command("--entrypoints.websecure.address=:443", "--entrypoints.websecure.http.middlewares=login")
    for scale in ("scale: 0", "deploy: {replicas: 0}"):
        assert "no middleware login" in told(loaded(estate, proxy(scale, *flags)))
