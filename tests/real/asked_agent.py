"""An agent as people run it that an edge asks for verdicts; its LAPI is a stand-in with one ban."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.components.ports import free_port
from tests.providers.crowdsec.stand_in import Asked, Reply, StandInLapi
from tests.real.agents import AgentProcess, agent_document, until
from tests.real.estate import Estate, document

BANNED, FREE = "203.0.113.7", "203.0.113.8"
_ROW = {"id": 1, "value": BANNED, "scope": "Ip", "type": "ban", "origin": "cscli", "duration": "4h0m0s"}


@contextmanager
def asked_agent(folder: Path, **environment: str) -> Iterator[AgentProcess]:
    """Its Caddy and everything else is away. Ready, and its verdicts are right."""
    estate = Estate(folder, {"KEY": "bouncer-key", **environment})
    with StandInLapi() as lapi:
        lapi.lies["GET", "/v1/decisions/stream"] = _stream
        crowdsec = {
            "lapiUrl": lapi.url,
            "machine": {"id": "argos", "password": {"env": "KEY"}},
            "bouncer": {
                "mode": "forward-auth",
                "key": {"env": "KEY"},
                "pollInterval": "200ms",
                "failMode": "closed",
            },
        }
        edge = {"caddy": {"adminUrl": f"http://127.0.0.1:{free_port()}"}, "crowdsec": crowdsec}
        estate.write("edge.yaml", document("Edge", "main", edge), agent_document())
        estate.push()
        agent = AgentProcess(estate)
        agent.start()
        try:
            agent.ready()
            until(lambda: verdicts(agent) == (403, 204), "verdicts are right")
            yield agent
        finally:
            if agent.running:
                agent.kill()


def verdicts(agent: AgentProcess) -> tuple[int, int]:
    """The statuses of an address that is banned and of one that is not, each on a connection of its own."""
    banned, free = (
        httpx.get(f"http://127.0.0.1:{agent.port}/auth/forward/main?client={address}", timeout=20).status_code
        for address in (BANNED, FREE)
    )
    return banned, free


def processes(agent: AgentProcess) -> dict[int, str]:
    """The agent and those that it started and that go on running, with their command lines."""
    children = Path(f"/proc/{agent.pid}/task").glob("*/children")
    pids = [agent.pid, *(int(pid) for each in children for pid in each.read_text().split())]
    named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in pids}
    return {pid: command for pid, command in named.items() if "argos_gitops" in command}


def _stream(asked: Asked) -> Reply:
    return Reply(content={"new": [_ROW] if asked.query.get("startup") == "true" else None, "deleted": None})
