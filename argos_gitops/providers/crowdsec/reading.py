"""Answers of LAPI, read with a limit: so many bytes, and so much time for the whole."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.outbound import Bounds

MEBIBYTE = 1024**2
ANY_ANSWER = Bounds(1024 * MEBIBYTE)
"""What no answer of LAPI exceeds; each request has a limit of its own below it."""
_DECODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})

ChunkT = TypeVar("ChunkT", bytes, str)


@dataclass(frozen=True, slots=True)
class Limits:
    """`most` bytes (or characters) of a body, and `seconds` from the request to its last byte."""

    most: int
    seconds: float


def read(
    http: httpx.Client, request: httpx.Request, limits: Limits, heard: Callable[[], object] = int
) -> httpx.Response:
    """The answer with its body; `heard` is called once its head has come.

    TransientError (AnswerTooSlow) and TerminalError (AnswerTooLarge) beyond the limits; httpx's own errors
    as they are.
    """
    began = time.monotonic()
    answer = http.send(request, stream=True)
    try:
        heard()
        body = b"".join(limited(answer.iter_bytes(), limits, str(http.base_url), began))
    finally:
        answer.close()
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _DECODED]
    return httpx.Response(
        answer.status_code, headers=headers, content=body, request=request, extensions=answer.extensions
    )


def limited(chunks: Iterable[ChunkT], limits: Limits, url: str, began: float) -> Iterator[ChunkT]:
    """The chunks, until there are too many or it takes too long since `began` (monotonic seconds)."""
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > limits.most:
            raise TerminalError(
                f"{url.rstrip('/')} answers with more than {limits.most // MEBIBYTE} MiB, which LAPI does "
                "not; check lapiUrl",
                reason="AnswerTooLarge",
            )
        if time.monotonic() - began > limits.seconds:
            raise TransientError(
                f"{url.rstrip('/')} was still answering after {limits.seconds:.0f} s; "
                "is CrowdSec overloaded?",
                reason="AnswerTooSlow",
            )
        yield chunk


def timeout_of(limits: Limits, connect: float) -> Any:
    """httpx's time limits, which are for each read: none waits longer than the whole may take."""
    return httpx.Timeout(limits.seconds, connect=connect)
