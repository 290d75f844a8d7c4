"""LAPI's decision stream: `GET /v1/decisions/stream` with a bouncer's key, read row by row.

An answer with 300,000 decisions has 50 MB and would take several times that as objects, so it is never held
whole. Facts (LAPI's handlers, v1.4.6 to v1.7.8; edge.md §2):

- `startup=true` gives all active rows under `new`, and every expired one under `deleted`; without it LAPI
  gives what has changed since this key was last used. A list without rows is `null` or `[]`.
- Without `dedup=false` only the longest row for a value is told. When that is lifted, the shorter one would
  be unknown; when the shorter one ends first, nothing may be lifted. So all rows are asked for, with ids.
- `duration` is the time left by LAPI's clock, such as `3h59m59.8s`, negative once it has run out.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError, JSONDecoder
from typing import Any

import httpx

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.crowdsec.answers import error_of, unreachable
from argos_gitops.providers.crowdsec.bouncer.index import Decision
from argos_gitops.providers.crowdsec.client import USER_AGENT

_PATH = "/v1/decisions/stream"
_CONNECT_SECONDS = 5.0
_CHANGES_SECONDS = 20.0
# LAPI reads all rows before it sends the first byte.
_EVERYTHING_SECONDS = 120.0
_CHUNK_CHARACTERS = 32 * 1024
_LONGEST_ROW = 1024 * 1024
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(?<![0-9.])([0-9.]++)(h|ms|µs|us|ns|m|s)")
_DECODER = JSONDecoder()

Row = tuple[bool, Decision]
"""Whether the decision is in force, and the decision."""


class DecisionStream:
    """One LAPI under one bouncer key."""

    def __init__(self, url: str, key: SecretValue, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._key = key
        secure = url.startswith("https:")
        self._http = httpx.Client(
            base_url=url,
            headers={"User-Agent": USER_AGENT, "X-Api-Key": key.reveal()},
            transport=transport,
            trust_env=secure,
            verify=secure,
        )

    @contextmanager
    def rows(self, *, everything: bool) -> Iterator[Iterator[Row]]:
        """The rows while they come in: all that are in force, or what has changed since the last time.

        ProviderError (also while they are read) when LAPI fails, refuses the key, or stops halfway. Ends
        are told by `time.monotonic`.
        """
        asked = {"startup": "true" if everything else "false", "dedup": "false"}
        seconds = _EVERYTHING_SECONDS if everything else _CHANGES_SECONDS
        timeout = httpx.Timeout(seconds, connect=_CONNECT_SECONDS)
        try:
            with self._http.stream("GET", _PATH, params=asked, timeout=timeout) as answer:
                self._check(answer)
                yield self._decisions(answer.iter_text(_CHUNK_CHARACTERS), time.monotonic())
        except httpx.TransportError as error:
            raise unreachable(self._url, error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TerminalError(f"{self._url}: {type(error).__name__}; check lapiUrl") from error

    def close(self) -> None:
        self._http.close()

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise TerminalError(
                f"{self._url} refuses the bouncer's key; compare it with `cscli bouncers list`, or make one "
                "with `cscli bouncers add`",
                reason="KeyRefused",
            )
        if not answer.is_success:
            answer.read()
            raise error_of(answer, self._url, (self._key.reveal(),))

    def _decisions(self, chunks: Iterable[str], now: float) -> Iterator[Row]:
        try:
            for name, row in parse_stream(chunks):
                if name in ("new", "deleted"):
                    yield name == "new", decision_of(row, now)
        except (JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise TransientError(
                f"{self._url}: the decision stream broke off, or is none ({type(error).__name__}); "
                "check lapiUrl",
                reason="StreamBroken",
            ) from None


def decision_of(row: dict[str, Any], now: float) -> Decision:
    """A row as a decision; it ends at a whole second, never earlier than LAPI says."""
    end = math.ceil(now + seconds_of(row["duration"]))
    return Decision(int(row["id"]), row["value"], row["type"], row["origin"], end)


def seconds_of(duration: str) -> float:
    """Go's spelling of a duration in seconds; ValueError when it is none."""
    parts = _PART.findall(duration)
    sign = "-" if duration.startswith("-") else ""
    if not parts or sign + "".join(map("".join, parts)) != duration:
        raise ValueError(f"{duration!r} is no duration")
    seconds = sum(float(count) * _SECONDS[unit] for count, unit in parts)
    return -seconds if sign else seconds


def parse_stream(chunks: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of an object of lists, with the list's name. ValueError when the text is not that."""
    text = _Text(chunks)
    text.take("{")
    while text.peek() != "}":
        name = text.value()
        text.take(":")
        if text.peek() == "[":
            yield from ((name, row) for row in _items(text))
        else:
            text.value()
        if text.peek() != "}":
            text.take(",")
    text.take("}")


def _items(text: "_Text") -> Iterator[Any]:
    text.take("[")
    while text.peek() != "]":
        yield text.value()
        if text.peek() != "]":
            text.take(",")
    text.take("]")


class _Text:
    """Text that comes in chunks, taken value by value."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._held = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; ValueError at the end."""
        while True:
            while self._at < len(self._held):
                if not self._held[self._at].isspace():
                    return self._held[self._at]
                self._at += 1
            self._more()

    def take(self, expected: str) -> None:
        if self.peek() != expected:
            raise ValueError(f"{expected!r} was expected")
        self._at += 1

    def value(self) -> Any:
        """The next value. One that is cut off by the end of a chunk is read again with the next."""
        self.peek()
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._held, self._at)
            except JSONDecodeError:
                self._more()
            else:
                return value

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None or len(self._held) - self._at > _LONGEST_ROW:
            raise ValueError("the text ends too early, or is none")
        self._held = self._held[self._at :] + chunk
        self._at = 0
