"""What a visitor gets from a real Caddy after an apply, and that a second apply finds nothing to do."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from argos_gitops.model.resource import AnyResource
from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.providers.caddy.world import World, edge_of, host, service

Make = Callable[[AnyResource], World]


def test_each_sort_of_answer_is_served(caddy: RealCaddy, upstream: Upstream, world: Make) -> None:
    """A service, a redirect that keeps the path, and a fixed response."""
    there = world(edge_of(caddy))
    there.apply(
        service("app", upstream.address),
        host("app", service="app"),
        host("old", redirect={"to": "https://new.example.com/", "status": 301}),
        host("teapot", response={"status": 418, "body": "short and stout"}),
    )
    assert caddy.get("app.example.com").text == "upstream\n"
    moved = caddy.get("old.example.com", "/a?b=c")
    assert (moved.status_code, moved.headers["Location"]) == (301, "https://new.example.com/a?b=c")
    answer = caddy.get("teapot.example.com")
    assert (answer.status_code, answer.text) == (418, "short and stout")


def test_an_exact_domain_goes_before_a_wildcard(caddy: RealCaddy, world: Make) -> None:
    """Whatever the names: also within one Host that has both, and across Hosts."""
    hosts = [
        host("aaa", domains=["*.example.com", "aaa.example.org"]),
        host("bbb", domains=["bbb.example.com", "*.example.org"]),
    ]
    there = world(edge_of(caddy))
    there.apply(*hosts)
    served = {
        domain: caddy.get(domain).text
        for domain in ("x.example.com", "bbb.example.com", "x.example.org", "aaa.example.org")
    }
    assert served == {
        "x.example.com": "aaa",
        "bbb.example.com": "bbb",
        "x.example.org": "bbb",
        "aaa.example.org": "aaa",
    }
    assert there.changes(*hosts) == []


def test_internal_certificates_and_plain_http_side_by_side(caddy: RealCaddy, world: Make) -> None:
    """A Host with tls off is really off; another has TLS, and its plain address redirects there."""
    there = world(edge_of(caddy))
    hosts = [host("plain"), host("safe", tls={"mode": "internal"})]
    live, changes = there.plan(*hosts)
    there.record(there.provider.apply(live, changes))
    assert {name: each.reason for name, each in there.verify(changes, *hosts).items()} == {
        "plain": "Answering",
        "safe": "Answering",
    }
    assert caddy.get("plain.example.com").text == "plain"
    assert caddy.get("safe.example.com", tls=True).text == "safe"
    redirect = caddy.get("safe.example.com", "/x")
    assert redirect.status_code == 308
    assert redirect.headers["Location"].startswith("https://safe.example.com")
    assert there.changes(*hosts) == []


def test_an_edge_may_take_all_certificates_from_caddys_own_ca(caddy: RealCaddy, world: Make) -> None:
    """No Host has to say so, and nobody outside is asked; one with plain HTTP stays plain."""
    there = world(edge_of(caddy, certificates="internal"))
    hosts = [host("plain"), host("safe", tls={})]
    there.apply(*hosts)
    assert caddy.get("plain.example.com").text == "plain"
    assert caddy.get("safe.example.com", tls=True).text == "safe"
    assert there.changes(*hosts) == []


def test_plain_port_without_scheme_serves_http_when_no_host_has_tls(caddy: RealCaddy, world: Make) -> None:
    """`listen: ["127.0.0.1:8080"]` and tls off just works."""
    there = world(edge_of(caddy, listen=[f"127.0.0.1:{caddy.http_port}"]))
    there.apply(host("app"))
    assert caddy.get("app.example.com").text == "app"


def test_response_headers_hold_against_those_of_the_upstream(
    caddy: RealCaddy, upstream: Upstream, world: Make
) -> None:
    """`set` replaces what the upstream says, `remove` takes out, `add` adds."""
    there = world(edge_of(caddy))
    headers = {"response": {"set": {"Content-Type": "text/html", "X-A": "1"}, "remove": ["Server"]}}
    there.apply(service("app", upstream.address), host("app", service="app", headers=headers))
    found = caddy.get("app.example.com").headers
    assert (found.get_list("Content-Type"), found["X-A"]) == (["text/html"], "1")
    assert "Server" not in found


def test_weights_share_requests(caddy: RealCaddy, world: Make) -> None:
    """3 to 1, and nothing for a target with weight 0."""
    with Upstream("big") as big, Upstream("small") as small, Upstream("none") as none:
        targets = [
            {"address": big.address, "weight": 3},
            {"address": small.address, "weight": 1},
            {"address": none.address, "weight": 0},
        ]
        there = world(edge_of(caddy))
        there.apply(service("app", targets=targets), host("app", service="app"))
        for _ in range(8):
            caddy.get("app.example.com")
        assert [len(each.paths) for each in (big, small, none)] == [6, 2, 0]


def test_compression_and_body_limit(caddy: RealCaddy, upstream: Upstream, world: Make) -> None:
    """Both are accepted by Caddy and do what they say."""
    there = world(edge_of(caddy))
    there.apply(
        service("app", upstream.address, requestBodyLimit="1KiB"),
        host("app", service="app"),
        host("big", response={"body": "x" * 4000}, compression=True),
    )
    url = f"http://127.0.0.1:{caddy.http_port}/"
    answer = httpx.get(url, headers={"Host": "big.example.com", "Accept-Encoding": "gzip"})
    assert (answer.headers["Content-Encoding"], len(answer.text)) == ("gzip", 4000)
    routes = caddy.config("apps/http/servers/argos-http/routes")
    assert {"handler": "request_body", "max_size": 1024} in routes[0]["handle"]


@pytest.mark.parametrize("where", ["env", "file"])
def test_secrets_are_resolved_by_caddy_alone(
    make_caddy: Callable[..., RealCaddy], world: Make, where: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The configuration holds a placeholder; what is served holds the value."""
    secret = tmp_path_factory.mktemp("secret") / "token"
    secret.write_text("s3cret")
    caddy = make_caddy(env={"EDGE_TOKEN": "s3cret"})
    place = {"env": "EDGE_TOKEN"} if where == "env" else {"file": str(secret)}
    there = world(edge_of(caddy))
    there.apply(host("app", headers={"response": {"set": {"X-Token": place}}}))
    assert caddy.get("app.example.com").headers["X-Token"] == "s3cret"
    assert "s3cret" not in str(caddy.config())


def test_a_disabled_or_removed_host_is_no_longer_served(caddy: RealCaddy, world: Make) -> None:
    """Caddy's own answer to an unknown name is an empty one."""
    there = world(edge_of(caddy))
    there.apply(host("one"), host("two"), host("three"))
    there.apply(host("one"), host("two", enabled=False))
    assert [caddy.get(f"{name}.example.com").text for name in ("one", "two", "three")] == ["one", "", ""]


def test_an_edge_listens_before_it_has_hosts(caddy: RealCaddy, world: Make) -> None:
    """The first Host is one change, and so is the last to go."""
    there = world(edge_of(caddy))
    there.apply()
    assert caddy.get("one.example.com").content == b""
    assert there.changes(host("one")) == ["create host/one"]
    there.apply(host("one"))
    assert there.changes() == ["delete host/one"]


def test_a_host_that_is_spared_keeps_its_server(caddy: RealCaddy, world: Make) -> None:
    """A Host that left git but must stay (`argos.dev/prune: disabled`) is served on."""
    there = world(edge_of(caddy, listen=[f"127.0.0.1:{caddy.http_port}"]))
    there.apply(host("spared"))
    live, changes = there.plan(host("safe", tls={"mode": "internal"}))
    apart = [change for change in changes if change.object_id != "host/spared"]
    moved = [replace(change, after=_listening_at(caddy, change.after)) for change in apart]
    there.record(there.provider.apply(live, moved))
    assert caddy.get("spared.example.com").text == "spared"
    assert caddy.get("safe.example.com", tls=True).text == "safe"


def _listening_at(caddy: RealCaddy, content: Any) -> Any:
    """The new server on a port of its own, so that both can listen."""
    return json.loads(json.dumps(content).replace(str(caddy.http_port), str(caddy.https_port)))
