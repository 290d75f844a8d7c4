"""Failure mode 14 on real systems: the agent is killed at every write, and the next apply converges."""

import shutil
import subprocess
from collections import Counter
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.tripwire import Trap, relay
from tests.real.estate import PASSWORD, Estate, ban, country, edge, host

HOSTS, BANS = 50, 200
FOREIGN_ROUTE = {
    "match": [{"host": ["foreign.example.com"]}],
    "handle": [{"handler": "static_response", "body": "foreign"}],
}


def _fill(estate: Estate, edge_document: dict[str, object]) -> None:
    estate.write("edge.yaml", edge_document)
    estate.write("hosts.yaml", *(host(f"h{number}", f"text {number}") for number in range(HOSTS)))
    estate.write("bans.yaml", *(ban(f"b{number}", f"100.64.{number}.1") for number in range(BANS)))
    estate.write("countries.yaml", country("NG"), country("IR"))
    estate.push()


def _reset(caddy: RealCaddy, crowdsec: RealCrowdSec) -> None:
    """Somebody else's site and ban, and nothing of ours."""
    server = {"listen": [f"127.0.0.1:{caddy.http_port}"], "routes": [FOREIGN_ROUTE]}
    caddy.load({"apps": {"http": {"servers": {"theirs": {**server, "automatic_https": {"disable": True}}}}}})
    crowdsec.cscli("decisions", "delete", "--all")
    crowdsec.cscli("decisions", "add", "--ip", "192.0.2.200", "--duration", "1h")


def _killed_apply(estate: Estate, trap: Trap) -> bool:
    """Whether the trap ended this apply."""
    command = estate.command("apply", "--auto-approve")
    with subprocess.Popen(
        command,
        cwd=estate.folder,
        env=estate.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as agent:
        trap.pid = agent.pid
        output, _ = agent.communicate(timeout=120)
    assert agent.returncode in (0, -9), output
    return agent.returncode == -9


def _assert_converged(caddy: RealCaddy, crowdsec: RealCrowdSec) -> None:
    domains: Counter[str] = Counter()
    for server in caddy.config("apps/http/servers").values():
        domains.update(
            domain
            for route in server["routes"]
            for match in route.get("match", ())
            for domain in match["host"]
        )
    assert domains == Counter(
        {f"h{number}.example.com": 1 for number in range(HOSTS)} | {"foreign.example.com": 1}
    )
    assert caddy.get("foreign.example.com").text == "foreign"
    assert caddy.get("h7.example.com").text == "text 7"
    rows = crowdsec.decisions()
    doubled = [
        key for key, times in Counter((row["origin"], row["value"]) for row in rows).items() if times > 1
    ]
    assert doubled == []
    origins = Counter(row["origin"] for row in rows)
    assert sum(times for origin, times in origins.items() if origin.startswith("argos-decision-")) == BANS
    assert origins["cscli"] == 1
    assert origins["argos-country-NG"] > 50
    assert origins["argos-country-IR"] > 50


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_fm14_kill_9_at_every_write_converges(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, geo_database: Path, after: bool
) -> None:
    """50 hosts, 200 bans, two countries: killed at the n-th write, the next apply finishes the work."""
    for step in count():
        _reset(caddy, crowdsec)
        folder = tmp_path / f"step-{step}"
        folder.mkdir()
        trap = Trap(at=step, after=after)
        environment = {PASSWORD: crowdsec.machine_password, "ARGOS_GEOIP_COUNTRY": str(geo_database)}
        estate = Estate(folder, environment)
        with ExitStack() as stack:
            admin = stack.enter_context(relay(caddy.admin_url, trap))
            lapi = stack.enter_context(relay(crowdsec.lapi_url, trap))
            ours = edge(caddy, crowdsec, ownership="routes", server="theirs")
            del ours["spec"]["caddy"]["listen"]
            ours["spec"]["caddy"]["adminUrl"] = admin
            ours["spec"]["crowdsec"].update(lapiUrl=lapi, chunkSize=100)
            _fill(estate, ours)
            killed = _killed_apply(estate, trap)
            finished = estate.apply()
            assert finished.code == 0, finished.out + finished.err
            _assert_converged(caddy, crowdsec)
            idle = estate.run("plan", "--detailed-exitcode")
            assert idle.code == 0, idle.out + idle.err
        shutil.rmtree(folder)
        if not killed:
            break
    assert step >= 4, f"only {step} writes were seen: {trap.writes}"
