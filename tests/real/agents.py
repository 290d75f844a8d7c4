"""The agent as a process of its own, on an Estate, and what can be seen of it from outside."""

import contextlib
import hashlib
import hmac
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.components.ports import free_port
from tests.real.estate import Estate, document

SECRET = "estate-webhook-secret"
TOKEN = "estate-api-token"
_PATIENCE = 60.0


def until(holds: Callable[[], object], what: str, patience: float = _PATIENCE) -> None:
    """Waits until `holds`; errors of the network count as no. A slow machine only makes it slower."""
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if holds():
                return
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def agent_document(**spec: Any) -> dict[str, Any]:
    """Polls so rarely that only what a test does makes the agent look."""
    return document("Agent", "agent", {"interval": "1h", **spec})


class AgentProcess:
    """`argos-gitops run`, its log in a file, its HTTP on a free port."""

    def __init__(self, estate: Estate, name: str = "agent", **environment: str) -> None:
        self.estate = estate
        self.port = free_port()
        self.log = estate.folder / f"{name}.log"
        self._environment = {
            "ARGOS_LISTEN": f"127.0.0.1:{self.port}",
            "ARGOS_WEBHOOK_SECRET": SECRET,
            "ARGOS_API_TOKEN": TOKEN,
            "ARGOS_PUBLIC_IP_URL": "off",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.estate.command("run"),
                cwd=self.estate.folder,
                env={**self.estate.environ(), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> None:
        """Waits for the first pass over everything."""
        until(lambda: self._answers("/readyz"), "the agent is ready")

    def stop(self) -> int:
        """Ends it as a service manager does; its exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> int:
        return self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def hang_up(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/system/health").json()
        return found

    def part(self, name: str) -> dict[str, Any]:
        """What one subsystem says of itself; empty before it does."""
        for replica in self.health()["replicas"]:
            for each in replica["subsystems"]:
                if each["name"] == name:
                    return dict(each)
        return {}

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of that name with these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def deliver(self, client: httpx.Client | None = None, ref: str = "refs/heads/main") -> httpx.Response:
        """A signed push, as GitHub sends it."""
        body = push_body(self.estate, ref)
        return (client or httpx).post(
            f"http://127.0.0.1:{self.port}/webhooks/github", content=body, headers=signed(body), timeout=10
        )

    def _answers(self, path: str) -> bool:
        assert self.running, f"the agent ended: {self.log.read_text()[-2000:]}"
        return self.get(path).status_code == 200


def push_body(estate: Estate, ref: str = "refs/heads/main") -> bytes:
    repository = {"full_name": "own/config", "clone_url": str(estate.repository), "default_branch": "main"}
    after = estate.git("rev-parse", "HEAD").strip()
    return json.dumps({"ref": ref, "after": after, "repository": repository}).encode()


def signed(body: bytes, number: int = 0) -> Mapping[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"{time.monotonic_ns()}-{number}",
        "X-Hub-Signature-256": f"sha256={digest}",
        "Content-Type": "application/json",
    }


@contextmanager
def agent_on(estate: Estate, name: str = "agent", **environment: str) -> Iterator[AgentProcess]:
    """Started, and ended at the end of the block whatever happened."""
    agent = AgentProcess(estate, name, **environment)
    agent.start()
    try:
        yield agent
    finally:
        if agent.running:
            agent.kill()


def estate_at(folder: Path, **environment: str) -> Estate:
    folder.mkdir(exist_ok=True)
    return Estate(folder, dict(environment))
