"""What the engine answers becomes a value or an error of ours, and nothing else."""

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.providers.docker.engine.client import Channel, EngineClient

Answer = Callable[[httpx.Request], httpx.Response]


def _client(answer: Answer, version: str = "1.41") -> EngineClient:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/_ping":
            return httpx.Response(200, headers={"API-Version": version}, text="OK")
        return answer(request)

    channel = Channel("the engine", "http://docker", httpx.MockTransport(handle), lambda: "is it running?")
    return EngineClient(channel, timedelta(seconds=5))


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, TerminalError, "Rejected"),
        (403, TerminalError, "InUse"),
        (404, TerminalError, "NotFound"),
        (409, TerminalError, "Conflict"),
        (500, TransientError, "EngineFailed"),
        (503, TransientError, "Unavailable"),
        (307, TerminalError, "NotDocker"),
    ],
)
def test_each_failure_has_its_kind(status: int, kind: type[ProviderError], reason: str) -> None:
    """The engine's own words are told, without what looks like a secret."""
    body = {"message": "cannot do it: https://user:hunter2@registry.example/v2"}
    client = _client(lambda _: httpx.Response(status, json=body))
    with pytest.raises(ProviderError) as caught:
        client.create_network({"Name": "x"})
    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.ReadError("no"), httpx.WriteError("no")],
)
def test_no_foreign_error_escapes(error: httpx.TransportError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(TransientError, match="is it running"):
        _client(fail).networks()


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"a": 1}'])
def test_what_is_no_list_is_no_engine(content: bytes) -> None:
    with pytest.raises(TerminalError) as caught:
        _client(lambda _: httpx.Response(200, content=content)).containers()
    assert caught.value.reason == "NotDocker"


@pytest.mark.parametrize(
    ("told", "used"), [("1.41", "/v1.41/networks"), ("1.44", "/v1.44/networks"), ("1.99", "/v1.47/networks")]
)
def test_the_newest_version_that_both_know_is_spoken(told: str, used: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=[])

    assert _client(answer, told).networks() == []
    assert asked == [used]


def test_an_engine_that_is_too_old() -> None:
    with pytest.raises(TerminalError) as caught:
        _client(lambda _: httpx.Response(200, json=[]), "1.40").networks()
    assert caught.value.reason == "EngineTooOld"


def test_what_is_gone_needs_no_removal() -> None:
    """Stopping and removing may be done again after a kill."""
    client = _client(lambda _: httpx.Response(404, json={"message": "No such container: x"}))
    client.stop("x")
    client.remove("x")
    client.remove_network("x")
    assert client.container("x") is None


def test_volumes_are_never_removed() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(204)

    _client(answer).remove("x")
    assert asked[0].url.params["v"] == "0"


def test_an_old_connection_is_no_failure() -> None:
    """The engine may have closed it since; a read is sent once more."""
    answers = iter([httpx.RemoteProtocolError("closed"), None])

    def answer(request: httpx.Request) -> httpx.Response:
        error = next(answers)
        if error is not None:
            raise error
        return httpx.Response(200, content=json.dumps([]))

    assert _client(answer).networks() == []
