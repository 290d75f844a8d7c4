"""A full state disk: an agent as people run it, its state on a small disk that is filled to the last byte."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.real.agents import AgentProcess, until
from tests.real.asked_agent import asked_agent, processes, verdicts

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
    folder = tmp_path / "estate"
    folder.mkdir()
    with asked_agent(folder, XDG_STATE_HOME=str(disk.folder / "state")) as agent:
        yield agent


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
    before = processes(agent)
    disk.fill()
    assert os.statvfs(disk.folder).f_bavail == 0
    end, number = time.monotonic() + _SECONDS, 0
    while time.monotonic() < end:
        _strangers(agent, number)
        assert verdicts(agent) == (403, 204)
        number += 1
    until(lambda: "DiskFull" in agent.get("/readyz").text, "/readyz says that the disk is full")
    assert agent.get("/healthz").status_code == 200
    until(lambda: "is full" in agent.log.read_text(), "the log says that the disk is full")
    assert processes(agent) == before
    disk.make_room()
    until(lambda: agent.get("/readyz").status_code == 200, "it is ready again", patience=120)
    until(lambda: agent.part("Edge/main"), "the store is written again")
    assert verdicts(agent) == (403, 204)
    assert processes(agent) == before


def test_nothing_that_strangers_send_touches_the_disk(agent: AgentProcess, disk: SmallDisk) -> None:
    """While the agent itself is held still: no file of the state folder grows, comes or goes."""
    others = set(processes(agent)) - {agent.pid}
    os.kill(agent.pid, 19)  # SIGSTOP: what is written now, strangers caused
    try:
        time.sleep(0.5)
        before = disk.contents()
        for number in range(30):
            _strangers(agent, number)
        assert disk.contents() == before
    finally:
        os.kill(agent.pid, 18)  # SIGCONT
    assert set(processes(agent)) - {agent.pid} == others
