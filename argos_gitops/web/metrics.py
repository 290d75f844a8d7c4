"""Prometheus: what the front counts, and `GET /metrics`, which shows it together with the agent's own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from starlette.requests import Request
from starlette.responses import Response

from argos_gitops.web.clients import is_local
from argos_gitops.web.tokens import TokenGate

_REPORT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class WebMetrics:
    """The counters of the front, shown by `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._webhooks = Counter(
            "argos_webhooks",
            "Deliveries by provider and what became of them: accepted, or the reason why not.",
            ["provider", "result"],
            registry=registry,
        )

        self._reports = Histogram(
            "argos_docker_report_seconds",
            "Time to take in the report of a Docker host, by what became of it.",
            ["result"],
            buckets=_REPORT_SECONDS,
            registry=registry,
        )

    def report(self, result: str, seconds: float) -> None:
        """`result` is stored, unchanged, or the reason why it was refused."""
        self._reports.labels(result).observe(seconds)

    def webhook(self, provider: str, result: str) -> None:
        self._webhooks.labels(provider, result).inc()


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Open to whoever asks on this machine; to others, and to whom a proxy asks for, with the token."""

    expose: Callable[[], Awaitable[bytes]]
    gate: TokenGate

    async def show(self, request: Request) -> Response:
        if not is_local(request):
            self.gate.check(request)
        exposition = await self.expose()
        return Response(exposition, headers={"Content-Type": CONTENT_TYPE_LATEST})
