"""Drift becomes a branch that says what is live, on real git, Caddy and CrowdSec."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.real.estate import PASSWORD, Estate, ban, document, edge, host

WIKI = """\
# The wiki of everybody.
apiVersion: argos.dev/v1
kind: Host
metadata: {name: wiki}
spec:
    edge: main
    domains:
    - wiki.example.com   # the only one
    tls: {mode: "off"}
    headers:
        response:
            set: {X-Frame-Options: DENY}  # no frames
    response:
        body: 'wiki'
---
apiVersion: argos.dev/v1
kind: Host
metadata: {name: blog}
spec: {edge: main, domains: [blog.example.com], service: blog, tls: {mode: "off"}}
---
apiVersion: argos.dev/v1
kind: Service
metadata: {name: blog}
spec:
  targets:
    - address: 127.0.0.1:9  # nobody listens
"""


def _estate(tmp_path: Path, caddy: RealCaddy, mode: str = "propose", *more: dict[str, Any]) -> Estate:
    estate = Estate(tmp_path)
    estate.write("edge.yaml", edge(caddy, probe={"enabled": False}))
    estate.write("agent.yaml", document("Agent", "agent", {"drift": {"mode": mode}}))
    (estate.work / "hosts.yaml").write_text(WIKI)
    for number, each in enumerate(more):
        estate.write(f"more/{number}.yaml", each)
    estate.push("first")
    first = estate.apply()
    assert first.code == 0, first.out + first.err
    return estate


def _patch(caddy: RealCaddy, host_name: str, value: Any, handler: str, path: str = "") -> None:
    """The last handler of a kind; changes of responses stand twice, for answers and for errors."""
    places = caddy.places_of(f"argos-host-{host_name}", handler)
    for place in places if handler == "headers" else places[-1:]:
        url = f"{caddy.admin_url}/id/{place}"
        if handler != "headers" or "response" in httpx.get(url).json():
            httpx.patch(f"{url}/{path}".rstrip("/"), json=value).raise_for_status()


def _proposed(estate: Estate, key: str, path: str = "hosts.yaml") -> str:
    return estate.git("show", f"argos/drift/test/{key}:{path}", at=estate.repository)


def _branches(estate: Estate) -> list[str]:
    found = estate.git("for-each-ref", "--format=%(refname:short)", at=estate.repository).split()
    return sorted(each.removeprefix("argos/drift/test/") for each in found if "/drift/" in each)


def _merge(estate: Estate, key: str) -> None:
    estate.git("pull", "-q", "--rebase", "origin", "main")
    estate.git("fetch", "-q", "origin", f"argos/drift/test/{key}")
    estate.git("merge", "-q", "--no-edit", "FETCH_HEAD")
    estate.push("merged")


def _settled(estate: Estate) -> None:
    """Git says what is live: nothing is left to do, and nothing drifts."""
    assert estate.apply().code == 0
    plan = estate.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out
    assert "drift" not in plan.out.lower()


Drift = Callable[[RealCaddy], None]


def _body(caddy: RealCaddy) -> None:
    _patch(caddy, "wiki", "edited", "static_response", "body")


def _header(caddy: RealCaddy) -> None:
    _patch(caddy, "wiki", ["SAMEORIGIN"], "headers", "response/set/X-Frame-Options")


def _domain(caddy: RealCaddy) -> None:
    url = f"{caddy.admin_url}/id/argos-host-wiki/match/0/host"
    httpx.patch(url, json=["wiki.example.com", "w.example.com"]).raise_for_status()


def _redirect(caddy: RealCaddy) -> None:
    location = {"Location": ["https://www.example.com{http.request.uri}"]}
    found = {"handler": "static_response", "status_code": 302, "headers": location}
    _patch(caddy, "wiki", found, "static_response")


def _upstream(caddy: RealCaddy) -> None:
    _patch(caddy, "blog", "127.0.0.1:10", "reverse_proxy", "upstreams/0/dial")


def _gone(caddy: RealCaddy) -> None:
    httpx.delete(f"{caddy.admin_url}/id/argos-host-wiki").raise_for_status()


@pytest.mark.parametrize(
    ("drift", "key", "changed"),
    [
        (_body, "host-wiki", [("        body: 'wiki'", "        body: 'edited'")]),
        (_header, "host-wiki", [("{X-Frame-Options: DENY}", "{X-Frame-Options: SAMEORIGIN}")]),
        (_domain, "host-wiki", [("# the only one\n", "# the only one\n    - w.example.com\n")]),
        (
            _redirect,
            "host-wiki",
            [
                (
                    "    response:\n        body: 'wiki'\n",
                    "    redirect:\n        to: https://www.example.com\n        status: 302\n",
                )
            ],
        ),
        (_upstream, "host-blog", [("127.0.0.1:9 ", "127.0.0.1:10 ")]),
        (_gone, "host-wiki", [("        body: 'wiki'\n", "        body: 'wiki'\n    enabled: false\n")]),
    ],
)
def test_what_is_live_is_written_into_the_file(
    tmp_path: Path, caddy: RealCaddy, drift: Drift, key: str, changed: list[tuple[str, str]]
) -> None:
    """The branch differs from main in just these lines; once it is merged, nothing is left to do."""
    estate = _estate(tmp_path, caddy)
    drift(caddy)
    live = caddy.config()
    done = estate.apply()
    assert done.code == 0, done.out + done.err
    assert caddy.config() == live
    expected = WIKI
    for before, after in changed:
        assert before in expected
        expected = expected.replace(before, after)
    assert _branches(estate) == [key]
    assert _proposed(estate, key) == expected
    _merge(estate, key)
    _settled(estate)
    assert caddy.config() == live


def test_a_host_that_was_added_under_our_mark(tmp_path: Path, caddy: RealCaddy) -> None:
    """It becomes a document beside the others."""
    estate = _estate(tmp_path, caddy)
    route = {
        "@id": "argos-host-new",
        "match": [{"host": ["new.example.com"]}],
        "handle": [{"handler": "static_response", "body": "new", "status_code": 200,
                    "headers": {"Content-Type": ["text/plain; charset=utf-8"]}}],
        "terminal": True,
    }  # fmt: skip
    httpx.put(
        f"{caddy.admin_url}/config/apps/http/servers/argos-http/routes/0", json=route
    ).raise_for_status()
    assert estate.apply().code == 0
    proposed = _proposed(estate, "host-new")
    assert proposed.startswith(WIKI)
    assert "name: new" in proposed
    _merge(estate, "host-new")
    _settled(estate)
    assert caddy.get("new.example.com").text == "new"


def test_what_git_cannot_say_is_reported_with_the_reason(tmp_path: Path, caddy: RealCaddy) -> None:
    """A Service of two Hosts, a field without a word, and what may be a secret."""
    other = document(
        "Host",
        "other",
        {"edge": "main", "domains": ["o.example.com"], "service": "blog", "tls": {"mode": "off"}},
    )
    estate = _estate(tmp_path, caddy, "propose", other)
    _upstream(caddy)
    found = {"X-Frame-Options": ["DENY"], "X-Token": ["canary-1f"]}
    _patch(caddy, "wiki", found, "headers", "response/set")
    plan = estate.run("plan")
    assert "Service/blog serves 2 Hosts, and only this one was changed" in plan.out
    assert "may be a secret" in plan.out
    assert "canary" not in plan.out
    assert estate.apply().code == 0
    assert _branches(estate) == []
    assert "Reported" in estate.run("status", "-o", "json").out


def test_reported_drift_survives_another_change_of_the_same_caddy(tmp_path: Path, caddy: RealCaddy) -> None:
    """The whole document is written anew for a new Host, with the drifted route as it is live."""
    estate = _estate(tmp_path, caddy, "report")
    _body(caddy)
    estate.write("new.yaml", host("new", "new"))
    estate.push("one more")
    done = estate.apply()
    assert done.code == 0, done.out + done.err
    assert caddy.get("new.example.com").text == "new"
    assert caddy.get("wiki.example.com").text == "edited"
    assert _branches(estate) == []


def test_decisions_are_written_back(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec) -> None:
    """One that was deleted in LAPI leaves its file; the others stay as they are."""
    estate = Estate(tmp_path, {PASSWORD: crowdsec.machine_password})
    estate.write("edge.yaml", edge(caddy, crowdsec))
    estate.write("agent.yaml", document("Agent", "agent", {"drift": {"mode": "propose"}}))
    estate.write("bans.yaml", ban("one", "203.0.113.1"), ban("two", "203.0.113.2"))
    estate.push("first")
    assert estate.apply().code == 0
    crowdsec.cscli("decisions", "delete", "--ip", "203.0.113.1")
    done = estate.apply()
    assert done.code == 0, done.out + done.err
    proposed = _proposed(estate, "decision-one", "bans.yaml")
    assert "203.0.113.1" not in proposed
    assert (estate.work / "bans.yaml").read_text().endswith(proposed)
    _merge(estate, "decision-one")
    _settled(estate)
    assert [row["value"] for row in crowdsec.decisions()] == ["203.0.113.2"]
