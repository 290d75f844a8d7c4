"""`POST /api/agents/docker/report`: the push agent of a Docker host tells how its containers are.

Reports are only kept, never acted on here. They are checked and written in threads, so that no answer to
somebody else waits for them; how many may wait is limited.
"""

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response

from argos_gitops.ports.clock import Clock
from argos_gitops.ports.reports import Heartbeat, IncomingReport
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.body import BodyReader
from argos_gitops.web.clients import client_address
from argos_gitops.web.docker_gate import AgentGate, Reporter, refused
from argos_gitops.web.docker_shape import parse_json, parse_report
from argos_gitops.web.limits import RateLimit
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.readers import Readers, StoreReader
from argos_gitops.web.tokens import FAILURES, bearer_of

LARGEST = 4 * 1024 * 1024
LARGEST_EXPANDED = 16 * 1024 * 1024
_ALL_TOGETHER = 64 * 1024 * 1024
_AT_ONCE = 32
_MOST_WAITING = 2_000
_OF_ONE_HOST = (10, 1.0)
_GZIP = 31


@dataclass(slots=True)
class ReportDesk:
    """Takes in reports. Whoever waits for a place costs a connection: no body is read before that."""

    gate: AgentGate
    store: StoreReader
    clock: Clock
    metrics: WebMetrics
    bodies: BodyReader = field(default_factory=lambda: BodyReader(LARGEST, _ALL_TOGETHER))
    failures: RateLimit = field(default_factory=lambda: RateLimit(*FAILURES))
    by_host: RateLimit = field(default_factory=lambda: RateLimit(*_OF_ONE_HOST))
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _waiting: int = 0

    async def receive(self, request: Request) -> Response:
        """200 with what became of the report; 409 asks an agent for the whole report."""
        begun = perf_counter()
        try:
            with self._in_line():
                async with self._places:
                    result = await self._received(request)
        except RefusalError as refusal:
            self.metrics.report(refusal.reason, perf_counter() - begun)
            raise self._slowed_down(request, refusal) from None
        self.metrics.report(result, perf_counter() - begun)
        return JsonAnswer({"result": result})

    async def _received(self, request: Request) -> str:
        """The body is read when it is known who sends it."""
        token = bearer_of(request)
        reporter = await self.store.ask(
            lambda store: self.gate.admit(token, store.host_tokens, self.clock.now())
        )
        body = await self.bodies.read(request)
        encoding = request.headers.get("content-encoding", "identity").lower()
        return await self.store.ask(lambda store: self._take_in(reporter, _plain(body, encoding), store))

    def _take_in(self, reporter: Reporter, body: bytes, store: Readers) -> str:
        """In a thread: what it says is checked against who says it, and kept."""
        report = parse_report(parse_json(body))
        now = self.clock.now()
        try:
            self.gate.check(reporter, report.host_id, store.host_tokens)
        except RefusalError as refusal:
            self.gate.audit(refused(reporter, report.host_id, refusal, now), store.audit)
            raise
        self.by_host.check(report.host_id)
        self.by_host.count(report.host_id)
        if isinstance(report, IncomingReport):
            store.intake.keep(report, now)
            return "stored"
        return self._still(report, store)

    def _still(self, heartbeat: Heartbeat, store: Readers) -> str:
        if not store.intake.still(heartbeat, self.clock.now()):
            message = "the last report of this host had another digest, or there is none: send it whole"
            raise RefusalError(409, "ReportUnknown", message)
        return "unchanged"

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        if self._waiting >= _MOST_WAITING:
            message = "too many reports at once; try again"
            raise RefusalError(503, "Busy", message, {"Retry-After": "10"})
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def _slowed_down(self, request: Request, refusal: RefusalError) -> RefusalError:
        """Whoever guesses is told to wait; a genuine token behind the same address always passes."""
        if refusal.status != 401:
            return refusal
        address = client_address(request)
        try:
            self.failures.check(address)
        except RefusalError as too_many:
            return too_many
        self.failures.count(address)
        return refusal


def _plain(body: bytes, encoding: str) -> bytes:
    """The body without its gzip; refuses what is too large, broken, or packed in another way."""
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise RefusalError(415, "UnsupportedEncoding", "Content-Encoding: expected gzip, or none")
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(body, LARGEST_EXPANDED + 1)
    except zlib.error:
        raise RefusalError(400, "Malformed", "the body is no gzip, whatever Content-Encoding says") from None
    if len(plain) > LARGEST_EXPANDED:
        raise RefusalError(413, "TooLarge", f"a report may have {LARGEST_EXPANDED} bytes at most, unpacked")
    if not stream.eof:
        raise RefusalError(400, "Incomplete", "the gzip of the body ended before it was complete")
    return plain
