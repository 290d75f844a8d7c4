"""Our probes count for nobody: no rate limit, no failed login, no line in a log; their key opens nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx

from argos_gitops.model.condition import Truth
from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.own_probe import HEADER, SCHEME, ProbeKeys, key_of
from argos_gitops.providers.caddy.proof import ANSWERED_BY
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.visitor import Ask
from tests.providers.caddy.world import World, desired, edge, edge_of, host, service

Make = Callable[[AnyResource], World]
# What bcrypt makes of "wonderland", at its least cost.
LOGIN = {"users": {"ann": "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"}}
LIMIT = {"requests": 1, "window": "1h"}


def _handlers(tmp_path: Path, *hosts: AnyResource) -> list[str]:
    """What a Host's route does, in this order."""
    compiler = Compiler(
        edge(), CaddySettings(admin_url="http://127.0.0.1:1"), None, ProbeKeys(tmp_path, "main")
    )
    found = compiler.compile(desired(edge(), *hosts).resources, Layout())
    handle = found["host/app"].content["routes"][0]["handle"]
    return ["probe" if key_of(each) else each["handler"] for each in handle]


def test_a_probe_is_answered_before_a_rate_limit_counts_it(tmp_path: Path) -> None:
    """On the Host, and on a rule; a Host that counts nothing is as it was."""
    assert _handlers(tmp_path, host("app", rateLimit=LIMIT))[:2] == ["probe", "rate_limit"]
    assert _handlers(tmp_path, host("app", rules=[{"rateLimit": LIMIT}]))[:2] == ["probe", "subroute"]
    assert _handlers(tmp_path, host("app", basicAuth=LOGIN))[:2] == ["probe", "authentication"]
    assert _handlers(tmp_path, host("app")) == ["static_response"]


def _probe(ask: Ask, key: str, path: str = "/", method: str = "GET") -> httpx.Response:
    return ask(path, method, **_carrying(key))


def _carrying(key: str) -> dict[str, str]:
    return {HEADER.replace("-", "_"): SCHEME + key}


def _key(there: World, host: str = "app") -> str:
    """The one that Caddy holds for a Host."""
    return ProbeKeys(Path("/nonexistent"), "main").of(host, there.provider.observe().layout)


def test_the_key_opens_nothing(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Whoever has it learns the status of the front page, and not what stands on it."""
    there = world(edge_of(caddy))
    with Upstream() as upstream:
        guarded = host("app", service="app", basicAuth=LOGIN)
        there.apply(service("app", upstream.address), guarded)
        assert there.changes(service("app", upstream.address), guarded) == []
        key = _key(there)
        answer = _probe(ask, key, "/secret?x=1", "POST")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers[ANSWERED_BY] == "argos-host-app"
        assert set(answer.headers) == {"server", "date", "content-length", ANSWERED_BY.lower()}
        assert _probe(ask, "0" * 48).status_code == 401
        assert ask().status_code == 401
    assert _probe(ask, key).status_code == 502


def test_no_service_and_no_log_sees_a_key(caddy: RealCaddy, world: Make, ask: Ask, tmp_path: Path) -> None:
    """Neither on Hosts that know our probes nor on others: one of these may stand in its place by then."""
    log = tmp_path / "access.log"
    there = world(edge_of(caddy, accessLog={"file": str(log)}))
    with Upstream() as upstream:
        guarded = host("app", service="app", basicAuth=LOGIN)
        ruled = host("ruled", service="app", rules=[{"match": {"path": "/"}, "basicAuth": LOGIN}])
        others = [host("plain", service="app"), host("away", service="away")]
        services = service("app", upstream.address), service("away", "127.0.0.1:1")
        there.apply(*services, guarded, ruled, *others)
        keys = {name: _key(there, name) for name in ("app", "ruled")}
        for name, key in keys.items():
            assert ask(Host=f"{name}.example.com", **_carrying(key)).status_code == 200
            assert ask(Host="plain.example.com", **_carrying(key)).status_code == 200
            assert ask(Host="away.example.com", **_carrying(key)).status_code == 502
        assert len(upstream.headers) == 4
        assert not any(key in str(upstream.headers) for key in keys.values())
    assert ask(**_carrying(keys["app"])).status_code == 502
    shown = log.read_text() + caddy.log.read_text()
    assert "away.example.com" in log.read_text()
    assert "connection refused" in caddy.log.read_text()
    assert not any(key in shown for key in keys.values())


def test_the_key_of_one_host_does_not_answer_for_another(caddy: RealCaddy, world: Make, ask: Ask) -> None:
    """Or whoever learned one could ask all guarded Hosts of the Edge, without a line in a log."""
    there = world(edge_of(caddy))
    hosts = [host(name, basicAuth=LOGIN) for name in ("app", "other")]
    there.apply(*hosts)
    for name, other in (("app", "other"), ("other", "app")):
        key = _key(there, name)
        assert ask(Host=f"{name}.example.com", **_carrying(key)).status_code == 200
        assert ask(Host=f"{other}.example.com", **_carrying(key)).status_code == 401
    assert there.changes(*hosts) == []


def test_the_probe_of_an_apply_is_no_failed_login(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    """It proves the service behind the password, and the access log knows nothing of it."""
    log = tmp_path / "access.log"
    there = world(edge_of(caddy, accessLog={"file": str(log)}))
    with Upstream() as upstream:
        guarded, behind = host("app", service="app", basicAuth=LOGIN), service("app", upstream.address)
        live, changes = there.plan(behind, guarded)
        there.record(there.provider.apply(live, changes))
        there.provider.observe()
        assert there.verify(changes, behind, guarded)["app"].status is Truth.TRUE
        assert Ask(caddy)().status_code == 401
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [each["status"] for each in logged] == [401]
    assert there.verify(changes, behind, guarded)["app"].reason == "UpstreamUnavailable"


def test_nobody_sees_the_key_and_it_does_not_change(world: Make, caddy: RealCaddy) -> None:
    """Not in a plan; and an agent with another file, or none, finds nothing to do."""
    guarded = host("app", basicAuth=LOGIN)
    first = world(edge_of(caddy))
    _, changes = first.plan(guarded)
    first.apply(guarded)
    key = _key(first)
    shown = str([change.fields for change in changes])
    assert "passes by what counts" in shown
    assert key not in shown
    second = world(edge_of(caddy))
    assert second.changes(guarded) == []


def test_the_key_is_kept_where_only_the_agent_reads_it(tmp_path: Path) -> None:
    """Over restarts, before Caddy has it; what is in the file and no key is made again. An older one goes."""
    (tmp_path / "probe-main.key").write_text("0" * 48)
    key = ProbeKeys(tmp_path, "main").of("app", Layout())
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert ProbeKeys(tmp_path, "main").of("app", Layout()) == key
    assert key != ProbeKeys(tmp_path, "main").of("other", Layout())
    file.write_bytes(b"")
    made = ProbeKeys(tmp_path, "main").of("app", Layout())
    assert (len(made), made == key) == (len(key), False)
