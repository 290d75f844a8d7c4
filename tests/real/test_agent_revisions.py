"""Which revision the agent goes by: bad ones that good ones follow, approvals, dependencies, replicas."""

import json
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.components.caddy import RealCaddy
from tests.components.postgres import RealPostgres
from tests.components.upstream import Upstream
from tests.real.agents import AgentProcess, agent_document, agent_on, estate_at, until
from tests.real.estate import Estate, document, edge, host


def _serves(caddy: RealCaddy, name: str, text: str) -> Callable[[], bool]:
    return lambda: caddy.get(f"{name}.example.com").text == text


def _behind(service: str) -> dict[str, Any]:
    spec = {"edge": "main", "domains": ["app.example.com"], "service": service, "tls": {"mode": "off"}}
    return document("Host", "app", spec)


def _service(name: str, address: str) -> dict[str, Any]:
    return document("Service", name, {"targets": [{"address": address}]})


def test_fm08_a_good_revision_does_not_wait_for_a_bad_one(
    tmp_path: Path, caddy: RealCaddy, upstream: Upstream
) -> None:
    """The bad one is applied, but its Host never becomes healthy; the good one is not held up by that."""
    estate = estate_at(tmp_path / "estate")
    estate.write("edge.yaml", edge(caddy))
    estate.write("agent.yaml", agent_document())
    estate.write("hosts.yaml", _service("app", upstream.address), _behind("app"))
    estate.push("good")
    with agent_on(estate) as agent:
        agent.ready()
        estate.write("hosts.yaml", _service("app", "127.0.0.1:1"), _behind("app"))
        bad = estate.push("bad")
        agent.deliver()
        until(lambda: agent.part("Edge/main")["state"] == "failing", "the bad one is not healthy")
        assert bad[:7] in estate.run("status").out
        estate.write("hosts.yaml", _service("app", upstream.address), _behind("app"))
        estate.push("good again")
        agent.deliver()
        until(_serves(caddy, "app", "upstream\n"), "the good one is served")
        until(lambda: agent.part("Edge/main")["state"] == "ok", "and healthy")


def test_fm08_a_revision_that_failed_is_tried_again_when_the_cause_clears(
    tmp_path: Path, caddy: RealCaddy
) -> None:
    """Caddy is away; once it is back, nobody has to push, to ask or to restart anything."""
    estate = estate_at(tmp_path / "estate")
    estate.write("edge.yaml", edge(caddy))
    estate.write("agent.yaml", agent_document())
    estate.write("hosts.yaml", host("app", "one"))
    estate.push()
    caddy.kill()
    with agent_on(estate) as agent:
        until(lambda: agent.part("Edge/main").get("state") == "failing", "it cannot be reached")
        caddy.start()
        until(_serves(caddy, "app", "one"), "it is served all the same")


def test_fm02_an_emptied_repository_waits_for_its_approval(tmp_path: Path, caddy: RealCaddy) -> None:
    """Nothing is deleted until somebody approves just that plan; then the agent does it."""
    estate = estate_at(tmp_path / "estate")
    estate.write("edge.yaml", edge(caddy))
    estate.write("agent.yaml", agent_document())
    estate.write("hosts.yaml", *(host(f"h{number}", "here") for number in range(6)))
    estate.push()
    with agent_on(estate) as agent:
        agent.ready()
        until(_serves(caddy, "h0", "here"), "everything is served")
        (estate.work / "hosts.yaml").unlink()
        estate.push("everything is gone")
        agent.deliver()
        until(lambda: "state: Blocked" in estate.status_file("status.yaml"), "the guard refuses")
        assert caddy.get("h0.example.com").text == "here"
        wrong = estate.run("sync", "--approve", "0" * 32)
        assert wrong.code == 4
        digest = _digest(estate)
        assert estate.run("sync", "--approve", digest).code == 0
        until(lambda: caddy.get("h0.example.com").text != "here", "now they are gone")
        assert digest in estate.run("audit", "--action", "approve").out


def _digest(estate: Estate) -> str:
    """As the status branch tells it to whoever has to approve."""
    found = re.search(r"digest: \"?([0-9a-f]{32})", estate.status_file("status.yaml"))
    assert found is not None
    return found[1]


def _two_edges(estate: Estate, one: RealCaddy, two: RealCaddy, text: str) -> None:
    first, second = edge(one), edge(two)
    first["metadata"]["name"], second["metadata"]["name"] = "one", "two"
    second["metadata"]["annotations"] = {"argos.dev/dependsOn": "Edge/one"}
    hosts = [host("a", text, edge="one"), host("b", text, edge="two")]
    estate.write("all.yaml", first, second, agent_document(), *hosts)
    estate.push(text)


def test_fm21_a_dependent_waits_until_the_other_is_ready_at_the_same_revision(
    tmp_path: Path, make_caddy: Callable[..., RealCaddy]
) -> None:
    """B was ready at the old revision, and so was A. B follows the new one only after A is ready at it."""
    one, two = make_caddy(), make_caddy()
    estate = estate_at(tmp_path / "estate")
    _two_edges(estate, one, two, "old")
    with agent_on(estate) as agent:
        agent.ready()
        until(_serves(two, "b", "old"), "the old one is served by both")
        one.kill()
        _two_edges(estate, one, two, "new")
        agent.deliver()
        until(lambda: agent.part("Edge/two").get("state") == "waiting", "the dependent waits")
        assert two.get("b.example.com").text == "old"
        one.start()
        until(_serves(one, "a", "new"), "the first follows")
        until(_serves(two, "b", "new"), "then the dependent does")


def test_three_agents_on_one_postgres_share_the_targets(
    tmp_path: Path, make_caddy: Callable[..., RealCaddy], postgres: RealPostgres
) -> None:
    """Each target has one of them; kill -9 of one moves its targets; nothing is applied twice."""
    caddys = {f"e{number}": make_caddy() for number in range(3)}
    url = postgres.new_database()
    estate = estate_at(tmp_path / "estate", ARGOS_STORE=url)
    shas = [_edges(estate, caddys, "one")]
    with ExitStack() as stack:
        agents = []
        for number in range(3):
            agents.append(stack.enter_context(agent_on(estate, f"agent-{number}")))
        for agent in agents:
            agent.ready()
        until(lambda: len(_owners(agents[0])) == 3, "each of them has a target")
        _all_serve(caddys, "one")
        victim = next(agent for agent in agents if _owns(agents[0], agent))
        victim.kill()
        shas.append(_edges(estate, caddys, "two"))
        began = time.monotonic()
        rest = [agent for agent in agents if agent is not victim]
        for agent in rest:
            agent.deliver()
        _all_serve(caddys, "two")
        assert time.monotonic() - began < 60, "its targets moved"
        for agent in rest:
            assert agent.stop() == 0
    entries = estate.run("audit", "--limit", "1000", "-o", "json").out
    _each_once(entries, shas)


def _edges(estate: Estate, caddys: dict[str, RealCaddy], text: str) -> str:
    documents = [agent_document()]
    for name, caddy in caddys.items():
        one = edge(caddy)
        one["metadata"]["name"] = name
        documents += [one, host(f"at-{name}", text, edge=name)]
    estate.write("all.yaml", *documents)
    return estate.push(text)


def _all_serve(caddys: dict[str, RealCaddy], text: str) -> None:
    for name, caddy in caddys.items():
        until(_serves(caddy, f"at-{name}", text), f"{name} serves {text}")


def _owners(agent: AgentProcess) -> list[str]:
    return [each["name"] for each in agent.health()["replicas"] if each["targets"]]


def _owns(asked: AgentProcess, agent: AgentProcess) -> bool:
    return any(f"-{agent.pid}-" in name for name in _owners(asked))


def _each_once(entries: str, shas: list[str]) -> None:
    """Of each object and revision exactly one write is in the audit log."""
    writes = [
        (each["revision"], each["target"], each["objectId"])
        for each in json.loads(entries)
        if each["outcome"] == "done" and each["objectId"].startswith("host/")
    ]
    assert sorted(writes) == sorted(set(writes))
    assert {revision for revision, _, _ in writes} == set(shas)
