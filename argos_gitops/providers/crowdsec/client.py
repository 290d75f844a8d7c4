"""LAPI's HTTP API, as far as we use it: CrowdSec 1.4.6 and 1.7 answer all of these calls alike.

Everything goes through the machine's token. The Edge's bouncer key is never used here: its stream hands
out each change once, so whoever shares the key steals changes from the edge. Facts: LAPI's handlers and
database layer at the tags v1.4.6 and v1.7.8.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from argos_gitops import __version__
from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.outbound import BoundedClient, Bounds, within
from argos_gitops.providers.crowdsec.answers import (
    ANY_ANSWER,
    BUSY,
    MEBIBYTE,
    as_lapi_tells,
    error_of,
    failed,
    login_refused,
    moment,
    number,
    parsed_answer,
    text,
)
from argos_gitops.providers.crowdsec.marks import Stamp
from argos_gitops.providers.crowdsec.tls import NO_TLS, Tls, verification

# LAPI splits the User-Agent at "/" and refuses any login where that does not give two parts.
USER_AGENT = f"argos-gitops/{__version__}"

_TOKEN_SPENT = 0.75
_TRIES = 4
_PAUSE_SECONDS = 0.25
# LAPI answers after it has read, or stored, everything: seconds for 100,000 decisions on a small machine.
_MANY = Bounds(512 * MEBIBYTE, seconds=300.0)
_FEW = Bounds(8 * MEBIBYTE, seconds=120.0)
_LITTLE = Bounds(MEBIBYTE, seconds=15.0)
NO_SUCH_CALL = "NoSuchCall"
_ABSENT = frozenset({404, 405})
_NEWER_CALLS = frozenset({"/v1/allowlists", "/v1/heartbeat"})
"""Calls that an older LAPI may not know: 1.4.6 has no allowlists."""
_NO_SKEW = timedelta(seconds=2)
"""The Date header has whole seconds, and an answer takes its time."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are at which LAPI. `password` is asked for at each login and `tls` at each call, so that what
    was replaced is found."""

    url: str
    machine_id: str
    password: Callable[[], SecretValue]
    tls: Callable[[], Tls] = lambda: NO_TLS


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts with all their decisions, expired ones too, and LAPI's clock when it told them.

    `ahead` is by how much LAPI's clock was ahead of ours then; what it tells of the time left is right
    whatever the two clocks say.
    """

    items: list[dict[str, Any]]
    told_at: datetime
    ahead: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    good_until: float


class LapiClient:
    """One LAPI. Safe to use from several threads; every failure is a ProviderError without a secret."""

    def __init__(
        self,
        login: Login,
        timeout: timedelta,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._login = login
        self._now = now
        self._token: _Token | None = None
        self._logging_in = threading.Lock()
        self.own_address = ""
        self._connect_seconds = timeout.total_seconds()
        self._transport = transport
        self._opening = threading.Lock()
        self._open: tuple[Tls, httpx.Client] | None = None

    def alerts(self, wanted: Mapping[str, str]) -> Alerts:
        """All alerts that the filter names, none cut off: the default limit is 100, 0 means no limit.

        LAPI counts first and then reads page by page, newest first; an alert that is added meanwhile
        shows as one told twice while another is missing. Then it is asked again.
        """
        for _ in range(_TRIES):
            answer = self._send("GET", "/v1/alerts", params={**wanted, "limit": "0"}, bounds=_MANY)
            items = parsed_answer(answer, self._login.url, list) or []
            with as_lapi_tells(self._login.url):
                numbers = {number(item["id"]) for item in items}
            if len(numbers) == len(items):
                told_at = _clock_of(answer, answer.extensions["argos_heard_at"])
                return Alerts(items, told_at, _ahead(told_at, answer.extensions["argos_heard_at"]))
        raise TransientError(f"{self._login.url}: alerts come faster than they can be read", reason=BUSY)

    def add_alert(self, encoded: bytes) -> None:
        """Not idempotent: LAPI keeps doubles, so nothing is ever sent twice blindly.

        TransientError with reason Busy: another writer had the database; a part may have been written.
        """
        answer = self._once("POST", "/v1/alerts", content=encoded)
        if not parsed_answer(answer, self._login.url, list):
            raise TerminalError(
                f"{self._login.url} kept nothing of an alert that it accepted", reason="BansLost"
            )

    def end_decisions(self, origin: str, stamp: Stamp, value: str | None = None) -> int:
        """Ends what stands under this very origin and stamp, or of it one value; how many those were.

        All filters are always given: without any, LAPI would end every decision that it has.
        """
        params = {"origin": origin, "type": stamp.type, "scopes": stamp.scope, "scenario": stamp.scenario}
        if value is not None:
            params["value"] = value
        answer = parsed_answer(self._send("DELETE", "/v1/decisions", params=params), self._login.url, dict)
        with as_lapi_tells(self._login.url):
            return number(int(answer["nbDeleted"]))

    def allowlists(self) -> tuple[list[dict[str, Any]], datetime] | None:
        """LAPI's own allowlists with their entries, and its clock; None where this LAPI knows of none."""
        try:
            answer = self._send("GET", "/v1/allowlists", params={"with_content": "true"})
        except TerminalError as error:
            if error.reason == NO_SUCH_CALL:
                return None
            raise
        items = parsed_answer(answer, self._login.url, list) or []
        return items, _clock_of(answer, answer.extensions["argos_heard_at"])

    def heartbeat(self) -> None:
        """Keeps us from `cscli machines prune`; does nothing where LAPI has no such call."""
        try:
            self._once("GET", "/v1/heartbeat", bounds=_LITTLE)
        except TerminalError as error:
            if error.reason != NO_SUCH_CALL:
                raise

    def close(self) -> None:
        with self._opening:
            if self._open is not None:
                self._open[1].close()

    @property
    def _http(self) -> httpx.Client:
        """The connections, made anew when the certificates were replaced."""
        tls = self._login.tls()
        with self._opening:
            if self._open is None or self._open[0] != tls:
                self._open = (tls, self._opened(tls))  # another thread may still use the one before
            return self._open[1]

    def _opened(self, tls: Tls) -> httpx.Client:
        return BoundedClient(
            ANY_ANSWER,
            base_url=self._login.url,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            transport=self._transport,
            trust_env=self._login.url.startswith("https:"),
            verify=verification(self._login.url, tls),
        )

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A call that may be repeated: tried again when the database was busy or a connection had died."""
        for _ in range(_TRIES - 1):
            try:
                return self._once(method, path, **request)
            except TransientError as error:
                if error.reason not in (BUSY, "ConnectionLost"):
                    raise
                time.sleep(_PAUSE_SECONDS)
        return self._once(method, path, **request)

    def _once(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One call with a fresh token; LAPI forgets all tokens when it restarts, so 401 means: log in."""
        token = self._fresh_token()
        answer = self._exchange(method, path, token, **request)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            token = self._fresh_token(instead_of=token)
            answer = self._exchange(method, path, token, **request)
        if answer.status_code in _ABSENT and path in _NEWER_CALLS:
            raise TerminalError(f"{self._login.url} knows no {path}", reason=NO_SUCH_CALL)
        if not answer.is_success:
            raise error_of(answer, self._login.url, (token.value,))
        return answer

    def _exchange(self, method: str, path: str, token: _Token, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token.value}", "Content-Type": "application/json"}
        return self._call(method, path, headers=headers, **request)

    def _fresh_token(self, instead_of: _Token | None = None) -> _Token:
        """The token in use, renewed well before its end; whoever comes first logs in for all threads."""
        with self._logging_in:
            token = self._token
            if token is None or token is instead_of or time.monotonic() >= token.good_until:
                token = self._token = self._log_in()
            return token

    def _log_in(self) -> _Token:
        password = self._login.password()
        credentials = {
            "machine_id": self._login.machine_id,
            "password": password.reveal(),
            "scenarios": [],
        }
        answer = self._call("POST", "/v1/watchers/login", json=credentials)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise login_refused(answer, self._login.url, self._login.machine_id, (password.reveal(),))
        if not answer.is_success:
            raise error_of(answer, self._login.url, (password.reveal(),))
        self.own_address = _own_address(answer) or self.own_address
        content = parsed_answer(answer, self._login.url, dict)
        with as_lapi_tells(self._login.url):
            return _token_of(content, answer)

    def _call(self, method: str, path: str, bounds: Bounds = _FEW, **content: Any) -> httpx.Response:
        """One exchange; the answer's extension `argos_heard_at` is our time at which its head came."""
        http = self._http
        request = http.build_request(method, path, **within(bounds, self._connect_seconds), **content)
        try:
            with closing(http.send(request, stream=True)) as answer:
                answer.extensions["argos_heard_at"] = self._now()
                answer.read()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failed(self._login.url, error) from error
        return answer


def _token_of(content: Mapping[str, Any], answer: httpx.Response) -> _Token:
    """Its life is measured by LAPI's clock and spent by ours, so the two need not agree."""
    life = moment(content["expire"]) - _clock_of(answer, answer.extensions["argos_heard_at"])
    return _Token(text(content["token"]), time.monotonic() + life.total_seconds() * _TOKEN_SPENT)


def _clock_of(answer: httpx.Response, heard_at: datetime) -> datetime:
    """LAPI's time; ours where the answer does not tell it."""
    try:
        told = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return heard_at
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)


def _ahead(told_at: datetime, heard_at: datetime) -> timedelta:
    ahead = told_at - heard_at
    return ahead if abs(ahead) > _NO_SKEW else timedelta()


def _own_address(answer: httpx.Response) -> str:
    """The address that LAPI sees us under; empty where the connection is closed already."""
    stream = answer.extensions.get("network_stream")
    try:
        return str(stream.get_extra_info("client_addr")[0]) if stream is not None else ""
    except OSError:
        return ""
