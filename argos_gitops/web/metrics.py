"""Prometheus: what the front counts, and `GET /metrics`, which shows it together with the agent's own."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from argos_gitops.web.clients import is_local
from argos_gitops.web.tokens import TokenGate


class WebMetrics:
    """The counters of the front. `registry` shows them; None where files of several processes do."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        self._webhooks = Counter(
            "argos_webhooks",
            "Deliveries by provider and what became of them: accepted, or the reason why not.",
            ["provider", "result"],
            registry=registry,
        )

    def webhook(self, provider: str, result: str) -> None:
        self._webhooks.labels(provider, result).inc()


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Open to whoever asks on this machine; to others, and to whom a proxy asks for, with the token."""

    expose: Callable[[], bytes]
    gate: TokenGate

    async def show(self, request: Request) -> Response:
        if not is_local(request):
            self.gate.check(request)
        exposition = await run_in_threadpool(self.expose)
        return Response(exposition, headers={"Content-Type": CONTENT_TYPE_LATEST})
