"""The site as it runs in the front: uvicorn listening on loopback, over a real (SQLite) store."""

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from prometheus_client import CollectorRegistry, generate_latest

from argos_gitops.app.clock import SystemClock
from argos_gitops.app.stores import Stores
from argos_gitops.model.secret import SecretValue
from argos_gitops.web.followed import Followed
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.server import Server
from argos_gitops.web.site import Site, Surroundings

SECRET = "a secret that only the forge knows"
TOKEN = "a token that only the operator knows"
AGENT_TOKEN = "a token that the agents of Docker hosts share"
REPO = "https://git.example.com/team/config.git"
AS_OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
AS_AGENT = {"Authorization": f"Bearer {AGENT_TOKEN}"}


@dataclass
class Looks:
    """A trigger that remembers why it was pulled."""

    reasons: list[str] = field(default_factory=list)

    def look(self, why: str) -> None:
        self.reasons.append(why)


@dataclass
class Lines:
    """A log that remembers."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))

    warning = info


class RunningSite:
    """Listens on a port of its own until the end of the block; `client` asks it."""

    def __init__(self, folder: Path, readers: Stores | None = None, **changed: object) -> None:
        self.looks = Looks()
        self.log = Lines()
        self.script = folder / "agent.sh"
        self.store = readers or Stores(f"sqlite:///{folder / 'argos.db'}", "test")
        registry = CollectorRegistry()

        async def expose() -> bytes:
            return generate_latest(registry)

        given: dict[str, object] = {
            "instance": "test",
            "followed": Followed(REPO, None),
            "webhook_secret": SecretValue(SECRET),
            "api_token": SecretValue(TOKEN),
            "agent_token": SecretValue(AGENT_TOKEN),
            "agent_script": self.script,
            "trigger": self.looks,
            "readers": self.store,
            "clock": SystemClock(),
            "log": self.log,
            "metrics": WebMetrics(registry),
            "expose": expose,
        }
        self._surroundings = Surroundings(**given | changed)  # type: ignore[arg-type] # a test's choice
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30)
        self._running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.site = Site(self._surroundings)
        self._server = Server(self.site.application)
        self._loop = asyncio.get_running_loop()
        self._running.set()
        await self._server.serve_on(self._listening)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._running.wait(30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.client.close()
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join()
        self.store.close()
