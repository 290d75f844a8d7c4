"""An httpx client that stops reading where an answer becomes too large, or comes too slowly.

httpx bounds each wait for bytes, but neither how many come nor how long all of them take: a server that
sends one byte now and then would hold its reader for ever, and one that never ends would fill the memory.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from argos_gitops.outbound.pace import Pace, PacedBackend

_MEBIBYTE = 1024**2
_BOUNDS, _BEGAN = "argos_bounds", "argos_began"
"""Extensions of a request: its own bounds, and when it was made in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is read, in bytes; how slowly it may come, see Pace; and how many seconds may
    pass from the request to its last byte, if that is bounded."""

    most_bytes: int
    pace: Pace = field(default_factory=Pace)
    seconds: float | None = None

    def __str__(self) -> str:
        whole, rest = divmod(self.most_bytes, _MEBIBYTE)
        return f"{whole} MiB" if whole and not rest else f"{self.most_bytes:,} bytes"


class AnswerTooLargeError(httpx.RequestError):
    """The answer has more bytes than its reader takes; what came is dropped."""


class AnswerTooSlowError(httpx.ReadTimeout):
    """The answer is not complete within the seconds that its reader waits; what came is dropped."""


def within(bounds: Bounds, connect: float) -> dict[str, Any]:
    """Options of a request with bounds of its own, below those of its client; `connect` in seconds.

    No single wait is longer than the whole may take.
    """
    return {"timeout": httpx.Timeout(bounds.seconds, connect=connect), "extensions": {_BOUNDS: bounds}}


def narrow(answer: httpx.Response, bounds: Bounds) -> None:
    """Before any of its content is read: from now on, the answer has these bounds."""
    answer.request.extensions = {
        **answer.request.extensions,
        _BOUNDS: bounds,
        _BEGAN: time.monotonic(),
    }


class BoundedClient(httpx.Client):
    """`httpx.Client` for whatever is asked outside of this process.

    AnswerTooLargeError while an answer is read that exceeds `bounds`, AnswerTooSlowError where all of it
    takes too long; httpx.ReadTimeout and WriteTimeout where the other side is too slow. Answers are never
    unpacked: none is asked for that is packed, and a small packed one may be a huge one (`Content-Encoding`
    is dropped, the content stays as it came).
    """

    def __init__(self, bounds: Bounds, **options: Any) -> None:
        """`options` are those of httpx.Client."""
        super().__init__(
            **options,
            event_hooks={"request": [_begin], "response": [lambda each: _bound(each, bounds)]},
        )
        for transport in (self._transport, *self._mounts.values()):
            pool = getattr(transport, "_pool", None)
            if pool is not None:
                # httpx has no public way to its connections. Without it headers may come byte by byte.
                pool._network_backend = PacedBackend(pool._network_backend, bounds.pace)  # noqa: SLF001


def _begin(request: httpx.Request) -> None:
    request.headers["Accept-Encoding"] = "identity"
    request.extensions = {**request.extensions, _BEGAN: time.monotonic()}


def _bound(response: httpx.Response, bounds: Bounds) -> None:
    response.headers.pop("Content-Encoding", None)
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _BoundedStream(response.stream, response.request, bounds)


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request, bounds: Bounds) -> None:
        self._stream = stream
        self._request = request
        self._bounds = bounds

    def __iter__(self) -> Iterator[bytes]:
        given = self._request.extensions
        bounds: Bounds = given.get(_BOUNDS, self._bounds)
        left = min(bounds.most_bytes, self._bounds.most_bytes)
        for part in self._stream:
            left -= len(part)
            if left < 0:
                raise AnswerTooLargeError(f"more than {bounds}", request=self._request)
            if bounds.seconds is not None and time.monotonic() - given[_BEGAN] > bounds.seconds:
                raise AnswerTooSlowError(
                    f"still answering after {bounds.seconds:.0f} s", request=self._request
                )
            yield part

    def close(self) -> None:
        self._stream.close()
