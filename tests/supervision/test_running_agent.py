"""The threads of a whole agent: all of them supervised, and all of them back after each was killed."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.components.ports import free_port
from tests.real.agents import AgentProcess, agent_document, until
from tests.real.estate import Estate, document

LISTED = Path(__file__).with_name("listed_agent.py")


class _ListedAgent(AgentProcess):
    """Runs through the script that tells the threads."""

    @property
    def names(self) -> set[str]:
        with contextlib.suppress(FileNotFoundError):
            return set(json.loads((self.estate.folder / "names").read_text()))
        return set()

    def threads(self, metric: str) -> set[str]:
        """The threads for which a metric is one at least."""
        return {
            sample.labels["thread"]
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
            if sample.name == metric and sample.value >= 1
        }

    def kill_threads(self) -> None:
        (self.estate.folder / "ask").touch()


class _ListedEstate(Estate):
    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(LISTED), str(self.folder / "names"), str(self.folder / "ask")]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[_ListedAgent]:
    estate = _ListedEstate(tmp_path)
    caddy = {"adminUrl": f"http://127.0.0.1:{free_port()}"}
    estate.write("edge.yaml", document("Edge", "main", {"caddy": caddy}), agent_document())
    estate.push()
    agent = _ListedAgent(estate)
    agent.start()
    try:
        agent.ready()
        yield agent
    finally:
        if agent.running:
            agent.stop()


def test_every_thread_of_a_running_agent_is_supervised_and_comes_back(agent: _ListedAgent) -> None:
    """Keeper, worker, housekeeping, reporter, notifications, watch, front, timetable and clock."""
    expected = {"source", "Edge/main", "housekeeping", "notify 0", "notify 1", "watch", "front", "clock"}
    until(lambda: expected < agent.names, "all threads run")
    names = agent.names
    supervised = agent.threads("argos_thread_alive")
    assert names <= supervised, names - supervised
    agent.kill_threads()
    asleep = {"clock", "timetable"}  # they learn of it when they wake, which may be hours from now

    def all_came_back() -> bool:
        agent.hang_up()
        return names - asleep <= agent.threads("argos_thread_restarts_total") and names <= agent.names

    until(all_came_back, "each thread was started again", patience=90)
    threads = agent.part("threads")
    assert threads["state"] == "failing"
    assert "SystemExit" in threads["lastError"]
    assert agent.get("/readyz").json()["reasons"][0]["reason"] == "ThreadFailing"


def test_every_process_of_a_running_agent_comes_back_and_is_seen(agent: _ListedAgent) -> None:
    """In metrics and health, by its name."""
    names = {"front", "bouncers", "verdicts-0", "verdicts-1"}

    def alive(name: str) -> bool:
        return agent.metric("argos_process_alive", process=name) == 1

    until(lambda: all(map(alive, names)), "all processes run")
    for pid in _children(agent.pid):
        os.kill(pid, signal.SIGKILL)

    def all_came_back() -> bool:
        return all(
            alive(name) and agent.metric("argos_process_restarts_total", process=name) for name in names
        )

    until(all_came_back, "each process was started again", patience=90)
    for name in names:
        until(lambda name=name: _started_again(agent.part(f"process/{name}")), name)  # type: ignore[misc]


def _started_again(part: dict[str, Any]) -> bool:
    return part.get("state") == "ok" and part["detail"] != "started 1 times"


def _children(pid: int) -> list[int]:
    """Those that the agent keeps alive."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for listed in children for child in listed.read_text().split()]
    return [each for each in found if _is_kept_alive(each)]


def _is_kept_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):  # one that ran a command has ended meanwhile
        return b"argos_gitops.app." in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
