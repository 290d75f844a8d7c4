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
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError, JSONDecoder
from typing import Any

import httpx

from argos_gitops.model.errors import TransientError
from argos_gitops.model.go_duration import seconds_of
from argos_gitops.model.secret import SecretValue
from argos_gitops.outbound import BoundedClient, Bounds, narrow, within
from argos_gitops.providers.crowdsec.answers import (
    ANY_ANSWER,
    MEBIBYTE,
    error_of,
    failed,
    key_refused,
    number,
    text,
)
from argos_gitops.providers.crowdsec.bouncer.index import Decision
from argos_gitops.providers.crowdsec.client import USER_AGENT
from argos_gitops.providers.crowdsec.tls import NO_TLS, Tls, verification

_PATH = "/v1/decisions/stream"
_USAGE_PATH = "/v1/usage-metrics"
_CONNECT_SECONDS = 5.0
# LAPI reads all rows before it sends the first byte.
_EVERYTHING = Bounds(512 * MEBIBYTE, seconds=300.0)
_CHANGES = Bounds(512 * MEBIBYTE, seconds=60.0)
_ERROR = Bounds(MEBIBYTE, seconds=10.0)
_LONGEST_ROW = 1024 * 1024
_LONGEST_SECONDS = 100 * 366 * 86_400
"""A decision of LAPI that lasts longer ends then here; the index keeps ends in few bits."""
_DECODER = JSONDecoder()

Row = tuple[bool, Decision]
"""Whether the decision is in force, and the decision."""


class DecisionStream:
    """One LAPI under one bouncer key."""

    def __init__(
        self,
        url: str,
        key: SecretValue,
        transport: httpx.BaseTransport | None = None,
        tls: Tls = NO_TLS,
    ) -> None:
        """TerminalError when the certificates, ValueError when the key cannot be sent."""
        self._url = url
        self._key = key
        secure = url.startswith("https:")
        self._http = BoundedClient(
            ANY_ANSWER,
            base_url=url,
            headers={"User-Agent": USER_AGENT, "X-Api-Key": key.reveal()},
            transport=transport,
            trust_env=secure,
            verify=verification(url, tls),
        )

    @contextmanager
    def rows(self, *, everything: bool) -> Iterator[Iterator[Row]]:
        """The rows while they come in: all that are in force, or what has changed since the last time.

        ProviderError (also while they are read) when LAPI fails, refuses the key, or stops halfway. Ends
        are told by `time.monotonic`.
        """
        asked = {"startup": "true" if everything else "false", "dedup": "false"}
        bounds = _EVERYTHING if everything else _CHANGES
        try:
            with self._http.stream("GET", _PATH, params=asked, **within(bounds, _CONNECT_SECONDS)) as answer:
                self._check(answer)
                yield self._decisions(answer.iter_text(), time.monotonic(), everything=everything)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failed(self._url, error) from error

    def tell_usage(self, report: Mapping[str, Any]) -> bool:
        """Whether LAPI took it; False when it knows no such call. Raises ProviderError."""
        try:
            answer = self._http.post(_USAGE_PATH, json=report, **within(_ERROR, _CONNECT_SECONDS))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failed(self._url, error) from error
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
            return False
        if not answer.is_success:
            raise error_of(answer, self._url, (self._key.reveal(),))
        return True

    def close(self) -> None:
        self._http.close()

    def _check(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            narrow(answer, _ERROR)
            answer.read()
            if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                raise key_refused(answer, self._url, (self._key.reveal(),))
            raise error_of(answer, self._url, (self._key.reveal(),))

    def _decisions(self, chunks: Iterable[str], now: float, *, everything: bool) -> Iterator[Row]:
        """An answer to the question for everything that does not even name `new` is none: taken for an empty
        list it would lift every ban."""
        lists: set[str] = set()
        try:
            for name, row in parse_stream(chunks, lists):
                if name in ("new", "deleted"):
                    yield name == "new", decision_of(row, now)
            if everything and "new" not in lists:
                raise ValueError("the answer has no list of decisions")
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise TransientError(
                f"{self._url}: the decision stream broke off, or is none ({type(error).__name__}); "
                "check lapiUrl",
                reason="StreamBroken",
            ) from None


def decision_of(row: dict[str, Any], now: float) -> Decision:
    """A row as a decision; it ends at a whole second, never earlier than LAPI says.

    TypeError, ValueError or LookupError when it is no row of LAPI's.
    """
    left = min(seconds_of(row["duration"]), _LONGEST_SECONDS)
    end = max(0, math.ceil(now + left))
    return Decision(number(row["id"]), text(row["value"]), text(row["type"]), text(row["origin"]), end)


def parse_stream(
    chunks: Iterable[str], lists: set[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of an object of lists, with the list's name. ValueError when the text is not that.

    The names of all lists, those that are `null` among them, are added to `lists`.
    """
    lists = set() if lists is None else lists
    given = _Text(chunks)
    given.take("{")
    while given.peek() != "}":
        name = given.value()
        given.take(":")
        if given.peek() == "[":
            lists.add(name)
            yield from ((name, row) for row in _items(given))
        elif given.value() is None:
            lists.add(name)
        if given.peek() != "}":
            given.take(",")
    given.take("}")


def _items(given: "_Text") -> Iterator[Any]:
    given.take("[")
    while given.peek() != "]":
        yield given.value()
        if given.peek() != "]":
            given.take(",")
    given.take("]")


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
