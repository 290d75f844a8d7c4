"""The Starlette application: which path leads where."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.trigger import Trigger
from argos_gitops.web.answers import RefusalError, answer_crash, answer_http_error, answer_refusal
from argos_gitops.web.api import ReadApi
from argos_gitops.web.clients import THIS_MACHINE, Networks
from argos_gitops.web.docker_api import DockerApi
from argos_gitops.web.docker_gate import AgentGate
from argos_gitops.web.docker_reports import ReportDesk
from argos_gitops.web.followed import Followed
from argos_gitops.web.health import Health
from argos_gitops.web.log import Log, WebLog
from argos_gitops.web.metrics import MetricsPage, WebMetrics
from argos_gitops.web.middleware import Courtesy
from argos_gitops.web.readers import Readers, StoreReader
from argos_gitops.web.tokens import TokenGate
from argos_gitops.web.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the site is handed: who may ask, what it may read, and whom it tells."""

    instance: str
    followed: Followed
    webhook_secret: SecretValue | None
    api_token: SecretValue | None
    agent_token: SecretValue | None
    """The one that push agents of Docker hosts share."""
    agent_script: Path
    """That agent, as whoever asks for it gets it."""
    trigger: Trigger
    readers: Readers
    clock: Clock
    log: Log
    metrics: WebMetrics
    expose: Callable[[], Awaitable[bytes]]
    """The metrics of all processes, in the exposition format."""
    trusted_proxies: Networks = THIS_MACHINE
    """Who is believed about whom it serves."""


class Site:
    """The application, and what in it is told something later."""

    def __init__(self, given: Surroundings, further: Sequence[BaseRoute] = ()) -> None:
        gate = TokenGate(given.api_token)
        store = StoreReader(given.readers)
        log = WebLog(given.log)
        self.health = Health(store, gate)
        self.docker = DockerApi(store, gate, given.clock, given.agent_script)
        # In threads of its own, so that a flood of reports never keeps people from reading.
        desk = ReportDesk(
            AgentGate(given.agent_token), StoreReader(given.readers), given.clock, given.metrics
        )
        webhooks = Webhooks(
            given.webhook_secret, given.followed, given.trigger, given.clock, given.metrics, log
        )
        routes = [
            Route("/healthz", self.health.alive, methods=["GET"]),
            Route("/readyz", self.health.ready, methods=["GET"]),
            Route("/metrics", MetricsPage(given.expose, gate).show, methods=["GET"]),
            Route("/api/system/health", self.health.show, methods=["GET"]),
            *ReadApi(given.instance, store, gate).routes(),
            *self.docker.routes(),
            Route("/api/agents/docker/report", desk.receive, methods=["POST"]),
            Route("/webhooks/{provider}", webhooks.deliver, methods=["POST"]),
            *further,
        ]
        handlers: dict[Any, Any] = {
            RefusalError: answer_refusal,
            HTTPException: answer_http_error,
            Exception: answer_crash,
        }
        self._routes = [route for route in routes if isinstance(route, Route)]
        starlette = Starlette(routes=routes, exception_handlers=handlers)
        starlette.state.trusted_proxies = given.trusted_proxies
        starlette.router.redirect_slashes = False  # a redirect would repeat whatever Host was sent
        self.application: ASGIApp = Courtesy(starlette)

    def routes(self) -> Sequence[Route]:
        """Everything that is answered."""
        return self._routes
