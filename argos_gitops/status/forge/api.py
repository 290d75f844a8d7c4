"""One forge's HTTP API: requests in time, errors that say what to do, a token that stays with its host."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx
import orjson

from argos_gitops import __version__
from argos_gitops.model.errors import ReportError, TransientError
from argos_gitops.model.secret import MASK, SecretValue
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds
from argos_gitops.vcs.address import redact_urls

MAX_PAGES = 20
"""Pages of one list that are read; whoever has more comments on one pull request has other worries."""

_BOUNDS = Bounds(32 * 1024**2)
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_MAX_REDIRECTS = 3
_LONGEST_MESSAGE = 300
_NUMBER = re.compile(r"[0-9]{1,11}")
_USUAL_PAUSE = timedelta(minutes=1)
_SHORTEST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(hours=1)
_KEEP_METHOD = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _KEEP_METHOD


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of forge differs. `rights` names what a token needs, for whoever has to give it.

    `page_size` is the name of its parameter, and the most that it grants.
    """

    name: str
    rights: str
    headers: Mapping[str, str]
    page_size: tuple[str, int]


class Api:
    """Safe in several threads. The token is asked for at each request, so that a new one is found."""

    def __init__(
        self,
        url: str,
        token: Callable[[], SecretValue],
        dialect: Dialect,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._dialect = dialect
        self._http = BoundedClient(
            _BOUNDS,
            headers={
                "User-Agent": f"argos-gitops/{__version__}",
                "Accept": "application/json",
                **dialect.headers,
            },
            timeout=_TIMEOUT,
            follow_redirects=False,
            transport=transport,
        )

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self._json(self._send("GET", path, params=params))

    def find(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer, or None where the forge knows no such thing."""
        answer = self._exchange("GET", path, params=params)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._json(self._checked(answer))

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The answer page by page, as the Link header leads."""
        name, size = self._dialect.page_size
        answer = self._send("GET", path, params={**(params or {}), name: str(size)})
        for _ in range(MAX_PAGES):
            yield self._json(answer)
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            answer = self._send("GET", urljoin(str(answer.url), following))

    def send(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        return self._json(self._send(method, path, json=body))

    def close(self) -> None:
        self._http.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._checked(self._exchange(method, path, **request))

    def _exchange(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Follows redirects, as of a renamed repository, on the same host alone."""
        url = httpx.URL(path if "://" in path else f"{self.url}/{path}")
        for _ in range(_MAX_REDIRECTS):
            self._check_host(url)
            answer = self._once(method, url, **request)
            if answer.status_code not in _REDIRECTS:
                return answer
            if method != "GET" and answer.status_code not in _KEEP_METHOD:
                break
            url = _joined(url, answer.headers.get("Location", ""))
            request.pop("params", None)
        raise ReportError(
            f"{self.url}: {method} is redirected; set forge.apiUrl and forge.project to where it leads now",
            reason="ForgeMoved",
        )

    def _check_host(self, url: httpx.URL) -> None:
        ours = httpx.URL(self.url)
        if (url.scheme, url.host, url.port) != (ours.scheme, ours.host, ours.port):
            raise ReportError(
                f"{self.url}: leads to {url.scheme}://{url.host}, which must not get the token; "
                "set forge.apiUrl to where the API is",
                reason="ForgeMoved",
            )

    def _once(self, method: str, url: httpx.URL, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token().reveal()}"}
        try:
            return self._http.request(method, url, headers=headers, **request)
        except AnswerTooLargeError as error:
            raise self._not_understood(f"with {error}") from error
        except httpx.RequestError as error:
            raise TransientError(
                f"{self.url} does not answer ({type(error).__name__}); it is asked again later"
            ) from error

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        code, what = answer.status_code, f"{self.url}: {answer.request.method}"
        if (pause := _pause(answer)) is not None:
            raise TransientError(
                f"{what} was refused: too many requests; asked again in {pause.total_seconds():.0f} s",
                reason="RateLimited",
                retry_after=pause,
            )
        if code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise TransientError(f"{what} failed with {code}; it is asked again later")
        raise self._refusal(code, f"{what} {_path(answer)}", self._said(answer))

    def _refusal(self, code: int, what: str, said: str) -> ReportError:
        if code == httpx.codes.UNAUTHORIZED:
            return ReportError(
                f"{what}: the token of forge.token is not accepted ({said}); make a new one with the rights: "
                f"{self._dialect.rights}",
                reason="ForgeUnauthorized",
            )
        if code == httpx.codes.FORBIDDEN:
            return ReportError(
                f"{what}: the token of forge.token lacks a right ({said}); it needs: {self._dialect.rights}",
                reason="ForgeForbidden",
            )
        if code == httpx.codes.NOT_FOUND:
            return ReportError(
                f"{what}: not found ({said}); check forge.project, and that the token may see it",
                reason="ForgeNotFound",
            )
        return ReportError(f"{what} was refused with {code}: {said}", reason="ForgeRefused")

    def _said(self, answer: httpx.Response) -> str:
        """What the forge says about it, on one line and without our token."""
        try:
            told = orjson.loads(answer.content)
        except ValueError:
            told = answer.reason_phrase
        if isinstance(told, dict):
            told = told.get("message") or told.get("error") or told
        token = self._token().reveal()
        return redact_urls(" ".join(str(told).split()).replace(token, MASK))[:_LONGEST_MESSAGE]

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return orjson.loads(answer.content)
        except ValueError as error:
            raise self._not_understood("not in JSON") from error

    def _not_understood(self, how: str) -> ReportError:
        return ReportError(
            f"{self.url} answers {how}; is forge.apiUrl the {self._dialect.name} API?",
            reason="ForgeNotUnderstood",
        )


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return url.join(location)
    except httpx.InvalidURL as error:
        raise ReportError(f"{url.host} redirects to what is no URL", reason="ForgeMoved") from error


def _path(answer: httpx.Response) -> str:
    return answer.request.url.path


def _pause(answer: httpx.Response) -> timedelta | None:
    """How long the forge wants to be left alone; None when this is no rate limit.

    `Retry-After` stands everywhere; GitHub refuses with 403 and `X-RateLimit-Remaining: 0`, GitLab tells
    its `RateLimit-Reset`; both resets are seconds since 1970.
    """
    spent = answer.headers.get("X-RateLimit-Remaining", answer.headers.get("RateLimit-Remaining")) == "0"
    after = answer.headers.get("Retry-After")
    limited = answer.status_code == httpx.codes.TOO_MANY_REQUESTS or (
        answer.status_code == httpx.codes.FORBIDDEN and (spent or after is not None)
    )
    if not limited and not (answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and after):
        return None
    reset = answer.headers.get("X-RateLimit-Reset", answer.headers.get("RateLimit-Reset", ""))
    told = [*_after(after or "", answer), *_until(reset, answer)]
    return min(max(told[0] if told else _USUAL_PAUSE, _SHORTEST_PAUSE), _LONGEST_PAUSE)


def _after(text: str, answer: httpx.Response) -> Iterator[timedelta]:
    """Seconds, or a time."""
    if _NUMBER.fullmatch(text):
        yield timedelta(seconds=int(text))
    elif (moment := _time(text)) is not None:
        yield moment - _now(answer)


def _until(text: str, answer: httpx.Response) -> Iterator[timedelta]:
    if _NUMBER.fullmatch(text):
        yield datetime.fromtimestamp(int(text), UTC) - _now(answer)


def _now(answer: httpx.Response) -> datetime:
    """The forge's own clock, which its resets are told by."""
    return _time(answer.headers.get("Date", "")) or datetime.now(UTC)


def _time(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
