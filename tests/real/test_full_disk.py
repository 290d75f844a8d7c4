"""A full state disk: an agent as people run it, its state on a small disk that is filled to the last byte."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.components.ports import free_port
from tests.providers.crowdsec.stand_in import Asked, Reply, StandInLapi
from tests.real.agents import AgentProcess, agent_document, until
from tests.real.estate import Estate, document

BANNED, FREE = "203.0.113.7", "203.0.113.8"
_ROW = {"id": 1, "value": BANNED, "scope": "Ip", "type": "ban", "origin": "cscli", "duration": "4h0m0s"}
_SECONDS = 8.0


class SmallDisk:
    """A file system of its own, of 16 MB; only who may mount can have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            for size in (64 * 1024, 1):
                with suppress(OSError):
                    while ballast.write(bytes(size)):
                        continue

    def make_room(self) -> None:
        self._ballast.unlink()

    def contents(self) -> dict[str, tuple[int, int]]:
        """Size and blocks of each file."""
        found = (each for each in self.folder.rglob("*") if each.is_file())
        return {
            str(each.relative_to(self.folder)): (each.stat().st_size, each.stat().st_blocks) for each in found
        }


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def agent(tmp_path: Path, disk: SmallDisk) -> Iterator[AgentProcess]:
    """One edge asks it; its Caddy and everything else is away."""
    (tmp_path / "estate").mkdir()
    estate = Estate(tmp_path / "estate", {"KEY": "bouncer-key", "XDG_STATE_HOME": str(disk.folder / "state")})
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
            until(lambda: _verdicts(agent) == (403, 204), "verdicts are right")
            yield agent
        finally:
            if agent.running:
                agent.stop()


def _stream(asked: Asked) -> Reply:
    return Reply(content={"new": [_ROW] if asked.query.get("startup") == "true" else None, "deleted": None})


def _verdicts(agent: AgentProcess) -> tuple[int, int]:
    banned, free = (
        httpx.get(f"http://127.0.0.1:{agent.port}/auth/forward/main?client={address}", timeout=20).status_code
        for address in (BANNED, FREE)
    )
    return banned, free


def _processes(agent: AgentProcess) -> set[int]:
    """The agent and all that it started and that goes on running."""
    children = Path(f"/proc/{agent.pid}/task").glob("*/children")
    named = {int(pid) for each in children for pid in each.read_text().split()}
    ours = {pid for pid in named if b"argos_gitops" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    return {agent.pid, *ours}


def _strangers(agent: AgentProcess, number: int) -> None:
    """What anybody may send: each with a body, and words that nobody used before."""
    for path in ("/webhooks/github", f"/webhooks/other-{number}", "/api/agents/docker/report"):
        answer = httpx.post(
            f"http://127.0.0.1:{agent.port}{path}",
            content=os.urandom(100_000),
            headers={"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=00"},
            timeout=20,
        )
        assert answer.status_code in (401, 404, 429, 503), answer.text


def test_a_full_disk_degrades_says_so_and_heals(agent: AgentProcess, disk: SmallDisk) -> None:
    """Verdicts stay right, no process ends, and nothing has to be started again."""
    before = _processes(agent)
    disk.fill()
    assert os.statvfs(disk.folder).f_bavail == 0
    end, number = time.monotonic() + _SECONDS, 0
    while time.monotonic() < end:
        _strangers(agent, number)
        assert _verdicts(agent) == (403, 204)
        number += 1
    until(lambda: "DiskFull" in agent.get("/readyz").text, "/readyz says that the disk is full")
    assert agent.get("/healthz").status_code == 200
    until(lambda: "is full" in agent.log.read_text(), "the log says that the disk is full")
    assert _processes(agent) == before
    disk.make_room()
    until(lambda: agent.get("/readyz").status_code == 200, "it is ready again", patience=120)
    until(lambda: agent.part("Edge/main"), "the store is written again")
    assert _verdicts(agent) == (403, 204)
    assert _processes(agent) == before


def test_nothing_that_strangers_send_touches_the_disk(agent: AgentProcess, disk: SmallDisk) -> None:
    """While the agent itself is held still: no file of the state folder grows, comes or goes."""
    others = _processes(agent) - {agent.pid}
    os.kill(agent.pid, 19)  # SIGSTOP: what is written now, strangers caused
    try:
        time.sleep(0.5)
        before = disk.contents()
        for number in range(30):
            _strangers(agent, number)
        assert disk.contents() == before
    finally:
        os.kill(agent.pid, 18)  # SIGCONT
    assert _processes(agent) - {agent.pid} == others
