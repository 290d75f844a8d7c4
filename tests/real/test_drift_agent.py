"""Drift under a running agent: noticed between passes, and never fought over every second."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.components.caddy import RealCaddy
from tests.real.agents import AgentProcess, agent_document, agent_on, until
from tests.real.estate import Estate, edge, host

_OURS = re.compile(r'"method":"(?:POST|PATCH)".*"User-Agent":\["argos-gitops/')


@pytest.fixture
def agent(tmp_path: Path, caddy: RealCaddy) -> Iterator[AgentProcess]:
    """Looks at Caddy each second; two repairs within ten minutes are flapping."""
    estate = Estate(tmp_path)
    flapping = {"repairs": 2, "within": "10m", "longestPause": "1h"}
    estate.write("agent.yaml", agent_document(drift={"intervals": {"caddy": "1s"}, "flapping": flapping}))
    estate.write("edge.yaml", edge(caddy))
    estate.write("wiki.yaml", host("wiki", "git"))
    estate.push("first")
    with agent_on(estate) as found:
        found.ready()
        yield found


def _edit(caddy: RealCaddy, text: str) -> None:
    place = caddy.place_of("argos-host-wiki", "static_response")
    url = f"{caddy.admin_url}/id/{place}/body"
    httpx.patch(url, json=text).raise_for_status()


def _writes(caddy: RealCaddy) -> int:
    return sum(bool(_OURS.search(line)) for line in caddy.log.read_text().splitlines())


def test_fm07_an_external_writer_is_not_fought_every_second(agent: AgentProcess, caddy: RealCaddy) -> None:
    """Whoever undoes each repair sees two of them; then the agent waits, says so, and git ends the wait."""
    written = _writes(caddy)

    def undone_until_flapping() -> bool:
        if caddy.get("wiki.example.com").text == "git":
            _edit(caddy, "mine")
        return "Flapping" in agent.estate.run("status", "-o", "json").out

    until(undone_until_flapping, "the agent says that it flaps")
    assert 2 <= _writes(caddy) - written <= 4
    _edit(caddy, "mine")
    agent.estate.write("wiki.yaml", host("wiki", "newer"))
    agent.estate.push("git moves")
    agent.hang_up()
    until(lambda: caddy.get("wiki.example.com").text == "newer", "the new revision is served")


def test_fm18_a_restart_that_lost_everything_is_repaired_by_itself(
    agent: AgentProcess, caddy: RealCaddy
) -> None:
    """Nobody pushes, nobody asks: the watch notices within its interval, and says what happened."""
    caddy.restart()
    until(lambda: caddy.get("wiki.example.com").text == "git", "the site is back")
    until(lambda: "was restarted at" in agent.estate.run("status", "-o", "json").out, "it is told")
