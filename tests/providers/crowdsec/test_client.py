"""LAPI's failures as errors of ours, and its tokens; against a transport that answers as LAPI does."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.crowdsec.client import USER_AGENT, LapiClient, Login
from argos_gitops.providers.crowdsec.marks import Stamp

_URL = "http://lapi.example"
_CANARY = "canary-password"
_STAMP = Stamp("ban", "Range", "argos-gitops/main: policy")
Answer = Callable[[httpx.Request], httpx.Response]


class _Lapi:
    """Hands out tokens and answers everything else by `answer`."""

    def __init__(self, answer: Answer, lasting: timedelta = timedelta(hours=1)) -> None:
        self.answer = answer
        self.lasting = lasting
        self.logins = 0
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/watchers/login":
            with self._lock:
                self.logins += 1
            expire = datetime.now(UTC) + self.lasting
            return httpx.Response(200, json={"token": f"token-{self.logins}", "expire": expire.isoformat()})
        with self._lock:
            self.requests.append(request)
        return self.answer(request)


@contextmanager
def _client(lapi: Answer) -> Iterator[LapiClient]:
    login = Login(_URL, "argos", lambda: SecretValue(_CANARY))
    client = LapiClient(login, timedelta(seconds=1), httpx.MockTransport(lapi))
    yield client
    client.close()


def _empty(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"null")


def _failing(status: int, message: str) -> Answer:
    return lambda request: httpx.Response(status, json={"message": message})


def _raising(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error(f"broken after {_CANARY}", request=request)

    return answer


def test_the_user_agent_has_one_slash() -> None:
    """LAPI refuses the login otherwise, and says that the password is wrong."""
    assert USER_AGENT.count("/") == 1
    lapi = _Lapi(_empty)
    with _client(lapi) as client:
        client.alerts({})
    assert {request.headers["User-Agent"] for request in lapi.requests} == {USER_AGENT}


@pytest.mark.parametrize(
    ("status", "message", "kind", "reason"),
    [
        (500, "validation failure list:\ndecisions is required", TerminalError, "Rejected"),
        (500, "'scope' doesn't exist: invalid filter", TerminalError, "Rejected"),
        (400, "json: cannot unmarshal", TerminalError, "Rejected"),
        (403, "access forbidden", TerminalError, "Rejected"),
        (500, "error while updating decisions: database is locked", TransientError, "Busy"),
        (500, "unable to query", TransientError, "LapiFailed"),
        (503, "", TransientError, "Unavailable"),
        (404, "", TerminalError, "NotLapi"),
        (302, "", TerminalError, "NotLapi"),
    ],
)
def test_a_failure_says_whether_trying_again_may_help(
    status: int, message: str, kind: type[ProviderError], reason: str
) -> None:
    """LAPI answers 500 to wrong requests too, so the message decides."""
    with _client(_Lapi(_failing(status, message))) as client, pytest.raises(kind) as failure:
        client.add_alert(b"[]")
    assert failure.value.reason == reason


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_no_foreign_exception_escapes(error: type[httpx.TransportError]) -> None:
    with _client(_Lapi(_raising(error))) as client, pytest.raises(TransientError, match=_URL):
        client.alerts({})


@pytest.mark.parametrize("content", [b"<html>", b'{"a": 1}', b'"text"'])
def test_what_is_no_lapi_is_told(content: bytes) -> None:
    lapi = _Lapi(lambda request: httpx.Response(200, content=content))
    with _client(lapi) as client, pytest.raises(TerminalError, match="check lapiUrl"):
        client.alerts({})


def test_fm13_no_error_holds_a_secret() -> None:
    """Not even when LAPI, or what sits before it, sends back what it got."""

    def echo(request: httpx.Request) -> httpx.Response:
        heard = request.content.decode() + request.headers.get("Authorization", "")
        return httpx.Response(500, json={"message": heard})

    lapi = _Lapi(echo)
    for answer, secret in ((echo, _CANARY), (lapi, "token-1")):
        with _client(answer) as client, pytest.raises(ProviderError) as failure:
            client.alerts({})
        assert secret not in str(failure.value)


def test_a_busy_database_is_asked_again() -> None:
    """What may be repeated is; an alert is not, for LAPI keeps doubles."""
    answers = iter([_failing(500, "database is locked")] * 2)

    def busy_twice(request: httpx.Request) -> httpx.Response:
        answer = next(answers, lambda request: httpx.Response(200, json={"nbDeleted": "3"}))
        return answer(request)

    with _client(_Lapi(busy_twice)) as client:
        assert client.end_decisions("argos-country-NG", _STAMP) == 3
    lapi = _Lapi(_failing(500, "database is locked"))
    with _client(lapi) as client, pytest.raises(TransientError):
        client.add_alert(b"[]")
    assert len(lapi.requests) == 1


def test_a_removal_always_names_all_filters() -> None:
    """Without any, LAPI ends every decision that it has."""
    lapi = _Lapi(lambda request: httpx.Response(200, json={"nbDeleted": "1"}))
    with _client(lapi) as client:
        client.end_decisions("argos-country-NG", _STAMP, "203.0.113.0/24")
    assert dict(lapi.requests[0].url.params) == {
        "origin": "argos-country-NG",
        "type": "ban",
        "scopes": "Range",
        "scenario": "argos-gitops/main: policy",
        "value": "203.0.113.0/24",
    }


def test_a_token_is_shared_and_renewed_before_its_end() -> None:
    lapi = _Lapi(_empty)
    with _client(lapi) as client, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.alerts({}), range(16)))
    assert lapi.logins == 1
    spent = _Lapi(_empty, lasting=timedelta(0))
    with _client(spent) as client:
        client.alerts({})
        client.alerts({})
    assert spent.logins == 2


def test_a_forgotten_token_means_one_new_login() -> None:
    """LAPI forgets all tokens when it restarts; threads that find out together log in once."""
    together = threading.Barrier(4)

    def only_second(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer token-1":
            together.wait(10)
            return httpx.Response(401, json={"message": "signature is invalid"})
        return _empty(request)

    lapi = _Lapi(only_second)
    with _client(lapi) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: client.alerts({}), range(4)))
    assert lapi.logins == 2


def test_a_token_that_is_refused_again_is_an_error() -> None:
    """No endless logins."""
    lapi = _Lapi(_failing(401, "not allowed"))
    with _client(lapi) as client, pytest.raises(TerminalError):
        client.alerts({})
    assert lapi.logins == 2


def test_an_alert_told_twice_means_that_another_is_missing() -> None:
    """LAPI reads page by page: an alert added meanwhile shifts the pages."""
    pages = iter([[{"id": 2}, {"id": 1}, {"id": 1}], [{"id": 3}, {"id": 2}, {"id": 1}]])
    lapi = _Lapi(lambda request: httpx.Response(200, json=next(pages)))
    with _client(lapi) as client:
        assert [each["id"] for each in client.alerts({}).items] == [3, 2, 1]
    assert {request.url.params["limit"] for request in lapi.requests} == {"0"}
