"""`/auth/forward/{edge}?client=ADDRESS`: an edge asks whether the address of a visitor may pass.

Whoever reaches the listener may ask: the answer tells of an address whether it is banned, and nothing else.
Plain questions are answered by processes of their own (`verdict_server.py`); here come those that they pass
on, such as one on a connection that asked for something else before. The answers are the same.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from argos_gitops.model.verdict import Counted
from argos_gitops.ports.health import Subsystem
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.counts import Counts, VerdictCounts
from argos_gitops.web.questions import Answer, Judge, Judges, answer


class Shown(Judge, Protocol):
    """One that also tells how it is."""

    @property
    def decisions(self) -> int: ...

    def health(self) -> Subsystem: ...


class Bouncers(Judges, Protocol):
    """The bouncers that are open now, by the name of their edge."""

    def all(self) -> Mapping[str, Shown]: ...


class VerdictMetrics:
    """Counts answers, and what they are made of, for `registry`.

    The same counts wait in `unsent` for the process of the bouncers, which reports them to LAPI.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.unsent = VerdictCounts()
        self._requests = Counter(
            "argos_forward_auth_requests",
            "Verdicts by edge; unknown-allowed and unknown-refused while nobody can tell.",
            ["edge", "verdict"],
            registry=registry,
        )
        self._decisions = Gauge(
            "argos_bouncer_decisions",
            "Decisions that a bouncer has in memory.",
            ["edge"],
            registry=registry,
        )
        self._fresh = Gauge(
            "argos_bouncer_last_success_timestamp_seconds",
            "When a bouncer last heard from LAPI.",
            ["edge"],
            registry=registry,
        )

    def count(self, counted: Counted, number: int = 1) -> None:
        self._requests.labels(counted.edge, counted.word).inc(number)
        self.unsent.add(counted, number)

    def count_all(self, counts: Counts) -> None:
        """What another process answered since it said so last."""
        for counted, number in counts.items():
            self.count(counted, number)

    def stand(self, bouncers: Bouncers) -> None:
        """Takes down how the bouncers are now, just before that is shown."""
        for edge, bouncer in bouncers.all().items():
            self._decisions.labels(edge).set(bouncer.decisions)
            last_success = bouncer.health().last_success
            if last_success is not None:
                self._fresh.labels(edge).set(last_success.timestamp())


class ForwardAuth:
    """The endpoint, as bare ASGI."""

    def __init__(self, bouncers: Bouncers, metrics: VerdictMetrics) -> None:
        self._bouncers = bouncers
        self._metrics = metrics

    def routes(self) -> list[BaseRoute]:
        return [Route("/auth/forward/{edge}", self), Route("/auth/forward", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = answer(
            self._bouncers, scope["path_params"].get("edge"), scope["query_string"].decode("latin-1")
        )
        if said.counted is not None:
            self._metrics.count(said.counted)
        await _response(said)(scope, receive, send)


def _response(said: Answer) -> Response:
    if said.document is None:
        return Response(status_code=said.status)
    document: Mapping[str, Any] = said.document
    if said.counted is not None:
        return JsonAnswer(document, said.status)
    raise RefusalError(said.status, document["error"], document["message"])
