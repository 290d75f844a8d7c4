"""Failure mode 5: after an apply nothing is left to do, whatever was applied, on a real Caddy."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.providers.caddy.strategies import estates
from tests.providers.caddy.world import World, edge, edge_of, host, service

Make = Callable[[AnyResource], World]


def forward_auth(fail_mode: str) -> dict[str, object]:
    """A bouncer that some of the Hosts ask for."""
    return {"bouncer": {"mode": "forward-auth", "key": {"env": "KEY"}, "failMode": fail_mode}}


SOME_TIMES = settings(max_examples=25, suppress_health_check=[*HealthCheck])


@SOME_TIMES
@given(first=estates(), second=estates())
def test_fm05_whole(
    caddy: RealCaddy, world: Make, first: list[AnyResource], second: list[AnyResource]
) -> None:
    """From any state to any other, each time with nothing left; a provider without memory agrees."""
    settings_of_edge = {"trustedProxies": ["192.0.2.0/24"], "accessLog": {}, "http3": False}
    there = world(edge_of(caddy, **settings_of_edge, crowdsec=forward_auth("closed")))
    for resources in (first, second):
        there.apply(*resources)
        assert there.changes(*resources) == []
    assert world(there.edge).changes(*second) == []


@SOME_TIMES
@given(resources=estates())
def test_fm05_routes(caddy: RealCaddy, world: Make, resources: list[AnyResource]) -> None:
    """In a server of somebody else's, which is as before when ours are gone."""
    front = {"listen": [f"127.0.0.1:{caddy.https_port}"]}
    theirs = {"apps": {"http": {"http_port": caddy.http_port, "servers": {"front": front}}}}
    caddy.load(theirs)
    before = caddy.config()
    there = world(edge(caddy.admin_url, ownership="routes", server="front", crowdsec=forward_auth("open")))
    there.apply(*resources)
    assert there.changes(*resources) == []
    there.apply()
    assert caddy.config() == before


# Stands for a folder of the test's own.
_FOLDER = "/folder-of-the-test"


@pytest.mark.parametrize(
    "settings_of_edge",
    [
        {"acme": {"email": "ops@example.com", "ca": "https://127.0.0.1:1/directory", "challenge": "http"}},
        {"acme": {"email": "ops@example.com"}, "redirectHttp": False},
        {"accessLog": {"file": f"{_FOLDER}/access.log", "rollSize": "10MiB", "keep": 2}},
        {"logging": {"logs": {"default": {"level": "ERROR"}}}},
        {"storage": {"module": "file_system", "root": f"{_FOLDER}/storage"}},
        {"trustedProxies": ["192.0.2.0/24"], "clientIpHeaders": ["X-Real-Ip"]},
        {"ownership": "routes"},
        {"ownership": "routes", "acme": {"email": "ops@example.com"}},
    ],
    ids=str,
)
def test_fm05_each_setting_of_an_edge(
    caddy: RealCaddy, world: Make, settings_of_edge: dict[str, object], tmp_path: Path
) -> None:
    """Each is accepted by Caddy and settles. Certificates are asked of nobody: the hosts are internal."""
    settled = json.loads(json.dumps(settings_of_edge).replace(_FOLDER, str(tmp_path)))
    there = world(edge_of(caddy, **settled))
    hosts = [
        service("app", "127.0.0.1:9", tls={"serverName": "app.internal"}),
        host("one", service="app", tls={"mode": "internal"}),
        host("two"),
    ]
    there.apply(*hosts)
    assert there.changes(*hosts) == []
