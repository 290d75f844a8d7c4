"""The Starlette application: which path leads where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    trigger: Trigger
    readers: Readers
    clock: Clock
    log: Log
    metrics: WebMetrics
    expose: Callable[[], bytes]
    """The metrics of all processes, in the exposition format."""


class Site:
    """The application, and the one thing in it that is told something later."""

    def __init__(self, given: Surroundings, further: Sequence[BaseRoute] = ()) -> None:
        gate = TokenGate(given.api_token)
        store = StoreReader(given.readers)
        log = WebLog(given.log)
        self.health = Health(store, gate)
        webhooks = Webhooks(
            given.webhook_secret, given.followed, given.trigger, given.clock, given.metrics, log
        )
        routes = [
            Route("/healthz", self.health.alive, methods=["GET"]),
            Route("/readyz", self.health.ready, methods=["GET"]),
            Route("/metrics", MetricsPage(given.expose, gate).show, methods=["GET"]),
            Route("/api/system/health", self.health.show, methods=["GET"]),
            *ReadApi(given.instance, store, gate).routes(),
            Route("/webhooks/{provider}", webhooks.deliver, methods=["POST"]),
            *further,
        ]
        handlers: dict[Any, Any] = {
            RefusalError: answer_refusal,
            HTTPException: answer_http_error,
            Exception: answer_crash,
        }
        starlette = Starlette(routes=routes, exception_handlers=handlers)
        starlette.router.redirect_slashes = False  # a redirect would repeat whatever Host was sent
        self.application: ASGIApp = Courtesy(starlette)
