"""A running agent as benchmarks see it: webhooks go in, metrics and its processes are read."""

import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.measure import family, proportional_megabytes, ticks
from tests.components.ports import free_port

_SECRET = "benchmark-webhook"  # noqa: S105 - it guards a loopback port for a minute
_READY_WITHIN_SECONDS = 120.0


class Running:
    """The agent on one repository, within a `with` block; it is ready when the block begins."""

    def __init__(self, environment: Mapping[str, str], repository: str) -> None:
        self.port = free_port()
        self._environment = {
            **environment,
            "ARGOS_REPO": repository,
            "ARGOS_LISTEN": f"127.0.0.1:{self.port}",
            "ARGOS_WEBHOOK_SECRET": _SECRET,
            "ARGOS_PUBLIC_IP_URL": "off",
        }

    def __enter__(self) -> Self:
        program = Path(sys.executable).with_name("argos-gitops")
        self._process = subprocess.Popen(
            [str(program), "run"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the agent did not become ready")
            time.sleep(0.1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(30)

    @property
    def pids(self) -> list[int]:
        """The agent and its front."""
        return family(self._process.pid)

    def deliver(self, number: int) -> int:
        """A signed push, as GitHub sends it; the status code of the answer."""
        body = json.dumps({"ref": "refs/heads/main", "after": f"{number:040x}"}).encode()
        digest = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": f"delivery-{number}",
            "X-Hub-Signature-256": f"sha256={digest}",
            "Content-Type": "application/json",
        }
        return self._ask("POST", "/webhooks/github", body, headers)[0]

    def metric(self, name: str) -> float:
        """The sum over all samples of that name."""
        text = self._ask("GET", "/metrics")[1].decode()
        families = text_string_to_metric_families(text)
        return sum(sample.value for each in families for sample in each.samples if sample.name == name)

    def megabytes(self) -> float:
        """What its processes hold together, shared pages counted once."""
        return sum(proportional_megabytes(pid) for pid in self.pids)

    def cpu_share(self, seconds: float) -> float:
        """Of one core, over so many seconds from now."""
        began, before = time.monotonic(), ticks(self.pids)
        time.sleep(seconds)
        return (ticks(self.pids) - before) / 100 / (time.monotonic() - began)

    def _is_ready(self) -> bool:
        try:
            return self._ask("GET", "/readyz")[0] == http.client.OK
        except OSError:
            return False

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
