"""The agent as people run it: a process over real git, Caddy and CrowdSec."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.real.agents import (
    AgentProcess,
    agent_document,
    agent_on,
    estate_at,
    push_body,
    signed,
    until,
)
from tests.real.estate import PASSWORD, Estate, ban, document, edge, host


@pytest.fixture
def estate(tmp_path: Path, caddy: RealCaddy) -> Estate:
    estate = estate_at(tmp_path / "estate")
    estate.write("edge.yaml", edge(caddy))
    estate.write("agent.yaml", agent_document())
    estate.write("hosts.yaml", host("app", "one"))
    estate.push("first")
    return estate


@pytest.fixture
def agent(estate: Estate) -> Iterator[AgentProcess]:
    with agent_on(estate) as found:
        found.ready()
        yield found


def _serves(caddy: RealCaddy, text: str, name: str = "app") -> Callable[[], bool]:
    return lambda: caddy.get(f"{name}.example.com").text == text


def test_a_push_is_served_once_the_webhook_tells_of_it(
    agent: AgentProcess, estate: Estate, caddy: RealCaddy
) -> None:
    estate.write("hosts.yaml", host("app", "two"))
    sha = estate.push("second")
    assert agent.deliver().status_code == 202
    until(_serves(caddy, "two"), "the new text is served")
    until(lambda: agent.metric("argos_push_to_applied_seconds_count") == 2, "the lag of two revisions")
    until(lambda: sha[:7] in estate.status_file("README.md"), "the status branch tells of it")


def test_sync_waits_for_what_comes_of_it(agent: AgentProcess, estate: Estate, caddy: RealCaddy) -> None:
    """A good revision exits with 0 once it is served; an invalid one with 3 and its reason."""
    estate.write("hosts.yaml", host("app", "two"))
    estate.push()
    done = estate.run("sync")
    assert (done.code, caddy.get("app.example.com").text) == (0, "two"), done
    (estate.work / "broken.yaml").write_text("kind: Nonsense\n")
    estate.push("broken")
    refused = estate.run("sync")
    assert refused.code == 3
    assert "InvalidConfiguration" in refused.out
    assert caddy.get("app.example.com").text == "two"
    status = estate.run("status").out
    assert "agent       running" in status
    assert "source      InvalidConfiguration" in status


def test_sync_without_an_agent_says_so(estate: Estate) -> None:
    done = estate.run("sync")
    assert done.code == 1
    assert "no agent runs" in done.err


def test_hanging_up_makes_it_look(agent: AgentProcess, estate: Estate, caddy: RealCaddy) -> None:
    estate.write("hosts.yaml", host("app", "two"))
    estate.push()
    agent.hang_up()
    until(_serves(caddy, "two"), "the new text is served")


def test_it_ends_in_time_and_leaves_nothing_locked(agent: AgentProcess, estate: Estate) -> None:
    """SIGTERM is answered within ten seconds; the next command finds no lock."""
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 10
    assert estate.apply().code == 0
    assert estate.run("sync").code == 1  # it said good-bye: nobody believes that it still runs


def test_fm09_its_own_push_wakes_nobody(agent: AgentProcess) -> None:
    answer = agent.deliver(ref="refs/heads/argos/status/test")
    assert (answer.status_code, answer.json()["result"]) == (202, "ignored")


def test_fm12_a_storm_of_deliveries_is_at_most_two_passes(
    agent: AgentProcess, estate: Estate, caddy: RealCaddy
) -> None:
    """Each is answered; the tip is applied; whoever sends garbage in between changes nothing."""
    until(lambda: agent.metric("argos_passes_total") >= 1, "the first pass is counted")
    passes = agent.metric("argos_passes_total")
    estate.write("hosts.yaml", host("app", "tip"))
    estate.push("tip")
    body = push_body(estate)
    url = f"http://127.0.0.1:{agent.port}/webhooks/github"
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(8) as pool:

        def send(number: int) -> int:
            return client.post(url, content=body, headers=signed(body, number)).status_code

        answers = list(pool.map(send, range(1000)))
        forged = client.post(url, content=body + b" ", headers=signed(body)).status_code
    assert set(answers) == {202}
    assert forged == 401
    until(_serves(caddy, "tip"), "the tip is served")
    until(lambda: agent.part("source")["state"] == "ok", "the storm is over")
    assert agent.metric("argos_passes_total") - passes <= 2


def test_fm18_a_caddy_that_lost_everything_is_put_right(caddy: RealCaddy, estate: Estate) -> None:
    """Restarted without its configuration while git holds an invalid revision: the last good one stands."""
    estate.write("agent.yaml", agent_document(drift={"intervals": {"caddy": "1s"}}))
    estate.push()
    with agent_on(estate) as agent:
        agent.ready()
        (estate.work / "broken.yaml").write_text("kind: Nonsense\n")
        estate.push("broken")
        agent.deliver()
        until(lambda: agent.part("source")["state"] == "failing", "the revision is rejected")
        caddy.restart()
        until(_serves(caddy, "one"), "the site is back")
        until(lambda: "InvalidConfiguration" in estate.status_file("status.yaml"), "the rejection is told")


def test_fm15_kill_9_leaves_nothing_in_the_way(agent: AgentProcess, estate: Estate, caddy: RealCaddy) -> None:
    """The next agent begins at once, with the lease and the locks of the dead one still about."""
    agent.kill()
    estate.write("hosts.yaml", host("app", "two"))
    estate.push()
    with agent_on(estate) as again:
        until(_serves(caddy, "two"), "the next agent goes on")
        again.ready()


def test_fm15_two_live_agents_never_both_apply(estate: Estate, caddy: RealCaddy) -> None:
    """Two replicas on one store: one works on the Edge, and when it is killed the other takes over."""
    with agent_on(estate) as one:
        one.ready()
        with agent_on(estate) as two:
            two.ready()
            owners = [agent for agent in (one, two) if _has_target(agent)]
            assert len(owners) == 1
            owners[0].kill()
            other = two if owners[0] is one else one
            estate.write("hosts.yaml", host("app", "two"))
            estate.push()
            other.deliver()
            until(_serves(caddy, "two"), "the other one takes over")


def _has_target(agent: AgentProcess) -> bool:
    return any(str(agent.pid) in each["name"] and each["targets"] for each in agent.health()["replicas"])


def test_fm23_an_outage_of_git_is_survived(agent: AgentProcess, estate: Estate, caddy: RealCaddy) -> None:
    """The repository is away for a while; nothing is written, and afterwards everything goes on by itself."""
    away = estate.repository.with_name("away.git")
    estate.repository.rename(away)
    agent.deliver()
    until(lambda: agent.part("source")["state"] == "failing", "the outage is seen")
    assert caddy.get("app.example.com").text == "one"
    away.rename(estate.repository)
    estate.write("hosts.yaml", host("app", "after"))
    estate.push()
    until(_serves(caddy, "after"), "it recovers without anybody's help", patience=120)


def test_fm22_what_is_suspended_is_seen_to_be(agent: AgentProcess, estate: Estate, caddy: RealCaddy) -> None:
    """The effective state is told: in the health document, on the command line and in the metrics."""
    assert estate.run("suspend", "--agent", "--reason", "night work").code == 0
    estate.write("hosts.yaml", host("app", "two"))
    estate.push()
    agent.deliver()
    until(lambda: agent.metric("argos_suspended") == 1, "the metric says so")
    assert "night work" in estate.run("status").out
    until(lambda: "night work" in estate.status_file("README.md"), "the status branch says so")
    assert caddy.get("app.example.com").text == "one"
    assert estate.run("resume", "--agent").code == 0
    until(_serves(caddy, "two"), "it goes on")
    until(lambda: agent.metric("argos_suspended") == 0, "the metric says so again")


def test_fm22_a_heartbeat_that_stops_is_noticed(agent: AgentProcess) -> None:
    """The agent hangs; whoever asks its front is told that the heart stopped."""
    until(lambda: agent.metric("argos_heartbeat_timestamp_seconds") > 0, "it beats")
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        until(lambda: agent.get("/readyz").status_code == 503, "the front notices", patience=120)
        assert agent.get("/api/system/health").json()["status"] != "ok"
        assert agent.get("/healthz").status_code == 200
    finally:
        os.kill(agent.pid, signal.SIGCONT)
    until(lambda: agent.get("/readyz").status_code == 200, "it is well again")


def test_rollback_goes_back_by_itself_and_by_hand(estate: Estate, caddy: RealCaddy) -> None:
    """A revision that fails its probes is gone back from; a person's choice stands until it is lifted."""
    estate.write("agent.yaml", agent_document(rollback="automatic"))
    good = estate.push("good")
    with agent_on(estate) as agent:
        agent.ready()
        until(lambda: good[:7] in estate.run("status").out, "the good one is applied")
        estate.write("hosts.yaml", *_dead_host())
        bad = estate.push("bad")
        agent.deliver()
        until(lambda: "RolledBack" in estate.status_file("status.yaml"), "it went back")
        assert caddy.get("app.example.com").text == "one"
        assert bad[:7] in estate.status_file("README.md")
        estate.write("hosts.yaml", host("app", "better"))
        estate.push("better")
        agent.deliver()
        until(_serves(caddy, "better"), "git moved on, and so does the agent")
        assert estate.run("rollback", good, "--reason", "by hand").code == 0
        until(_serves(caddy, "one"), "the pinned revision is served")
        assert estate.run("resume", "--agent").code == 0
        until(_serves(caddy, "better"), "the pin is lifted")


def _dead_host() -> list[dict[str, Any]]:
    """A Host whose Service answers nobody."""
    spec = {"edge": "main", "domains": ["app.example.com"], "service": "gone", "tls": {"mode": "off"}}
    return [
        document("Service", "gone", {"targets": [{"address": "127.0.0.1:1"}]}),
        document("Host", "app", spec),
    ]


def test_bans_are_put_back_when_somebody_deletes_them(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec
) -> None:
    """LAPI's decisions are watched by themselves: deleted ones come back, and are told as drift."""
    estate = estate_at(tmp_path / "estate", **{PASSWORD: crowdsec.machine_password})
    estate.write("edge.yaml", edge(caddy, crowdsec))
    estate.write("agent.yaml", agent_document(drift={"intervals": {"decisions": "1s"}}))
    estate.write("bans.yaml", ban("scanner", "203.0.113.7"))
    estate.push()
    with agent_on(estate) as agent:
        agent.ready()
        until(lambda: "203.0.113.7" in crowdsec.cscli("decisions", "list", "-a"), "the ban stands")
        crowdsec.cscli("decisions", "delete", "--all")
        until(lambda: "203.0.113.7" in crowdsec.cscli("decisions", "list", "-a"), "it stands again")
        until(lambda: "Repaired" in estate.status_file("drift.md"), "the drift is told")
