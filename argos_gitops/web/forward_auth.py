"""`/auth/forward/{edge}?client=ADDRESS`: an edge asks whether the address of a visitor may pass.

204 lets it pass; 403 refuses it (a captcha too: there is nobody here to solve one for); 503 says that nobody
can tell at the moment, where the edge fails closed; 404 names an edge that nobody asks for. Whoever reaches
the listener may ask: the answer tells of an address whether it is banned, and nothing else. It is answered
before anything that is limited or waits for the store.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from argos_gitops.ports.verdict import Bouncer, Remedy, Verdict
from argos_gitops.supervision.metrics import ThreadMetrics
from argos_gitops.supervision.supervised import supervised_threads
from argos_gitops.web.answers import JsonAnswer, RefusalError

_ADDRESSES = ("client", "remote")
"""The first that is an address counts: a Caddy before 2.7 knows only the remote end of its connection."""


class Bouncers(Protocol):
    """The bouncers that are open now, by the name of their edge."""

    def of_edge(self, name: str) -> Bouncer | None: ...

    def only(self) -> tuple[str, Bouncer] | None:
        """The one edge that there is, with its name; None when there are several, or none."""
        ...

    def all(self) -> Mapping[str, Bouncer]: ...


class VerdictMetrics:
    """Counts answers, and what they are made of. `registry` shows them; None where files do."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
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
            multiprocess_mode="mostrecent",
        )
        self._fresh = Gauge(
            "argos_bouncer_last_success_timestamp_seconds",
            "When a bouncer last heard from LAPI.",
            ["edge"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._threads = ThreadMetrics(registry)
        self._counters: dict[tuple[str, str], Any] = {}

    def count(self, edge: str, word: str) -> None:
        counter = self._counters.get((edge, word))
        if counter is None:
            counter = self._counters[edge, word] = self._requests.labels(edge, word)
        counter.inc()

    def stand(self, bouncers: Bouncers) -> None:
        """Takes down how the bouncers are now, just before that is shown."""
        self._threads.show([thread.state() for thread in supervised_threads()])
        for edge, bouncer in bouncers.all().items():
            self._decisions.labels(edge).set(bouncer.decisions)
            last_success = bouncer.health().last_success
            if last_success is not None:
                self._fresh.labels(edge).set(last_success.timestamp())


class ForwardAuth:
    """The endpoint, as bare ASGI: it is asked with each request to the edge."""

    def __init__(self, bouncers: Bouncers, metrics: VerdictMetrics) -> None:
        self._bouncers = bouncers
        self._metrics = metrics

    def routes(self) -> list[BaseRoute]:
        return [Route("/auth/forward/{edge}", self), Route("/auth/forward", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        edge, bouncer = self._edge(scope["path_params"])
        verdict = _verdict(bouncer, scope["query_string"])
        self._metrics.count(edge, _word(verdict))
        await _answer(verdict)(scope, receive, send)

    def _edge(self, path_params: Mapping[str, str]) -> tuple[str, Bouncer]:
        name = path_params.get("edge")
        if name is None:
            only = self._bouncers.only()
            if only is None:
                raise RefusalError(404, "UnknownEdge", "name the edge: /auth/forward/EDGE")
            return only
        bouncer = self._bouncers.of_edge(name)
        if bouncer is None:
            message = "no Edge of this name has crowdsec.bouncer.mode forward-auth here"
            raise RefusalError(404, "UnknownEdge", message)
        return name, bouncer


def _verdict(bouncer: Bouncer, query: bytes) -> Verdict:
    asked = dict(parse_qsl(query.decode("latin-1")))
    for name in _ADDRESSES:
        try:
            return bouncer.verdict(asked.get(name, ""))
        except ValueError:
            continue
    raise RefusalError(400, "NoAddress", "expected the visitor's address: ?client=ADDRESS")


def _word(verdict: Verdict) -> str:
    if verdict.certain:
        return verdict.remedy
    return "unknown-allowed" if verdict.remedy is Remedy.ALLOW else "unknown-refused"


def _answer(verdict: Verdict) -> Response:
    if verdict.remedy is Remedy.ALLOW:
        return Response(status_code=204)
    if not verdict.certain:
        message = "nobody can tell now whether this address is banned"
        return JsonAnswer({"error": "VerdictUnknown", "message": message}, 503)
    return JsonAnswer({"verdict": verdict.remedy, "origin": verdict.origin, "scope": verdict.scope}, 403)
