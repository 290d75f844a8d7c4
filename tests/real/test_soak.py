"""Weeks in a minute: commits without pause, and everything that can die does, by the dice of one seed.

ARGOS_SOAK_SECONDS makes it longer. The seed is fixed, so that a failure can be had again.
"""

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.git import GitHttp
from tests.real.agents import AgentProcess, agent_document, until
from tests.real.estate import PASSWORD, Estate, ban, edge, host

HOSTS = 200
SECONDS = float(os.environ.get("ARGOS_SOAK_SECONDS", "40"))
QUIET_COMMITS = 60
_SEED = 20261121
_PATIENCE = 180.0


class Soak:
    """The estate, everything around it, and what must be true of them at the end."""

    def __init__(self, estate: Estate, caddy: RealCaddy, crowdsec: RealCrowdSec, git: GitHttp) -> None:
        self.estate, self.caddy, self.crowdsec, self.git = estate, caddy, crowdsec, git
        self.dice = random.Random(_SEED)  # noqa: S311 - the same accidents every time
        self.texts = dict.fromkeys((f"h{number}" for number in range(HOSTS)), "text 0")
        self.bans = {f"b{number}": f"203.0.113.{number}" for number in range(1, 20)}
        self.agent = AgentProcess(estate, ARGOS_REPO=f"{git.url}/config.git")
        self.number = 0

    def write(self) -> None:
        self.estate.write("edge.yaml", edge(self.caddy, self.crowdsec))
        intervals = {"caddy": "1s", "decisions": "2s"}
        self.estate.write("agent.yaml", agent_document(interval="1s", drift={"intervals": intervals}))
        self.write_hosts()
        self._write_bans()
        self.estate.push("everything")

    def commit(self) -> None:
        """Changes a host, or takes a ban out, or puts one in."""
        self.number += 1
        if self.dice.random() < 0.8:
            self.texts[self.dice.choice(sorted(self.texts))] = f"text {self.number}"
            self.write_hosts()
        else:
            name = f"b{self.dice.randrange(1, 40)}"
            if self.bans.pop(name, None) is None:
                self.bans[name] = f"203.0.113.{name[1:]}"
            self._write_bans()
        self.estate.push(f"change {self.number}")

    def accident(self) -> None:
        """Something dies, and comes back."""
        kind = self.dice.choice(["caddy", "crowdsec", "git", "agent", "nothing"])
        if kind == "caddy":
            self.caddy.kill()
            self.caddy.start()
        elif kind == "crowdsec":
            self.crowdsec.kill()
            self.crowdsec.start()
        elif kind == "git":
            self.git.root = self.git.root / "away"
        elif kind == "agent":
            self.agent.kill()
            self.agent.start()

    def mend(self) -> None:
        self.git.root = self.estate.repository.parent

    def converged(self) -> bool:
        return self._served() and self._banned() and self._told()

    def _served(self) -> bool:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.caddy.http_port}", timeout=10) as visitor:
            return all(
                visitor.get("/", headers={"Host": f"{name}.example.com"}).text == text
                for name, text in self.texts.items()
            )

    def _banned(self) -> bool:
        """Exactly the bans of git, each once."""
        return sorted(self.decisions()) == sorted(self.bans.values())

    def _told(self) -> bool:
        head = self.estate.git("rev-parse", "HEAD").strip()
        try:
            status = self.estate.status_file("status.yaml")
        except subprocess.CalledProcessError:
            return False  # there is no status branch yet
        data = YAML(typ="safe").load(status)
        return bool(data["revisions"]["applied"] == head and data["state"] == "Synced")

    def decisions(self) -> list[str]:
        found = json.loads(self.crowdsec.cscli("decisions", "list", "-a", "-o", "json") or "null") or []
        every = (decision for alert in found for decision in alert["decisions"])
        return [each["value"] for each in every if not each["duration"].startswith("-")]  # those have ended

    def write_hosts(self) -> None:
        self.estate.write("hosts.yaml", *(host(name, text) for name, text in self.texts.items()))

    def _write_bans(self) -> None:
        self.estate.write("bans.yaml", *(ban(name, value) for name, value in self.bans.items()))


def test_a_bounded_soak_ends_converged_and_grows_nothing(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec
) -> None:
    """No lost change, nothing doubled; then many quiet changes cost no memory, descriptor or document."""
    folder = tmp_path / "estate"
    folder.mkdir()
    estate = Estate(folder, {PASSWORD: crowdsec.machine_password})
    with GitHttp(folder) as git:
        estate.git("config", "http.receivepack", "true", at=estate.repository)
        soak = Soak(estate, caddy, crowdsec, git)
        soak.write()
        soak.agent.start()
        try:
            _rage(soak)
            until(soak.converged, "everything that was pushed stands", _PATIENCE)
            _grows_nothing(soak)
            assert soak.agent.stop() == 0
        finally:
            if soak.agent.running:
                soak.agent.kill()


def _rage(soak: Soak) -> None:
    """A commit each second, an accident every few seconds."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.monotonic()
        soak.mend()
        soak.commit()
        if soak.dice.random() < 0.3:
            soak.accident()
        time.sleep(max(0.0, began + 1 - time.monotonic()))
    soak.mend()


def _grows_nothing(soak: Soak) -> None:
    """Between two equal stretches of work the process and the branch hold the same."""
    _quiet(soak)
    before = _sizes(soak)
    _quiet(soak)
    after = _sizes(soak)
    assert after["descriptors"] <= before["descriptors"] + 5, (before, after)
    assert after["megabytes"] <= before["megabytes"] + 12, (before, after)
    assert after["documents"] == before["documents"], (before, after)


def _quiet(soak: Soak) -> None:
    for _ in range(QUIET_COMMITS):
        soak.texts["h0"] = f"text {soak.number}"
        soak.number += 1
        soak.write_hosts()
        soak.estate.push(f"quiet {soak.number}")
        soak.agent.deliver()
    until(soak.converged, "the quiet changes stand", _PATIENCE)


def _sizes(soak: Soak) -> dict[str, Any]:
    process = Path(f"/proc/{soak.agent.pid}")
    status = (process / "status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    tree = soak.estate.git("ls-tree", "-r", "--name-only", "argos/status/test", at=soak.estate.repository)
    documents = [name for name in tree.splitlines() if not name.startswith("plans/")]
    return {
        "descriptors": len(list((process / "fd").iterdir())),
        "megabytes": int(resident.split()[1]) / 1024,
        "documents": len(documents),
    }
