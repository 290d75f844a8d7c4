"""The admin API's client: whatever happens on the wire becomes an error of ours."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from argos_gitops.model.errors import ProviderError, StalePlanError, TerminalError, TransientError
from argos_gitops.providers.caddy.client import AdminClient, RawConfig
from tests.components.caddy import RealCaddy

SHORT = timedelta(milliseconds=300)


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """A server that says `answer` to every connection and closes it; None never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_connections: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                open_connections.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in open_connections:
                connection.close()


def _http(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "nothing at all": (b"", TransientError, "ConnectionLost"),
    "half an answer": (_http("200 OK", b"x" * 50)[:-20], TransientError, "ConnectionLost"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", TransientError, "ConnectionLost"),
    "a web page": (_http("200 OK", b"<html>", "text/html"), TerminalError, "NotCaddy"),
    "not found": (_http("404 Not Found", b"", "text/plain"), TerminalError, "NotCaddy"),
    "a redirect": (_http("302 Found", b"", "text/plain"), TerminalError, "NotCaddy"),
    "forbidden": (_http("403 Forbidden", b'{"error":"host not allowed"}'), TerminalError, "AdminRefused"),
    "broken": (_http("503 Service Unavailable", b"", "text/plain"), TransientError, "AdminFailed"),
    "silence": (None, TransientError, "TimedOut"),
}


@pytest.mark.parametrize(("answer", "kind", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_no_foreign_exception_escapes(answer: bytes | None, kind: type[ProviderError], reason: str) -> None:
    """Reading and writing alike; the error says where, and what to do."""
    with answering(answer) as url:
        client = AdminClient(url, SHORT)
        try:
            with pytest.raises(kind, match=url) as caught:
                client.read()
            assert caught.value.reason == reason
            with suppress(ProviderError):
                client.replace(b"{}", '"/config/ 0"')
        finally:
            client.close()


def test_refused_connection(caddy: RealCaddy) -> None:
    """The most common one names the URL and the two likely causes."""
    caddy.kill()
    client = AdminClient(caddy.admin_url, SHORT, fallback_url=caddy.admin_url)
    with pytest.raises(TransientError, match="is Caddy running"):
        client.read()
    client.close()


def test_the_tag_of_an_old_caddy_is_computed() -> None:
    """fnv32a of the bytes, as 2.6.2 sends it in a trailer; known values of the algorithm."""
    assert RawConfig(b"", None).tag == '"/config/ 811c9dc5"'
    assert RawConfig(b"foobar", None).tag == '"/config/ bf9cf968"'
    assert RawConfig(b"foobar", '"/config/ new"').tag == '"/config/ new"'


def test_replace_takes_the_tag_that_was_read(caddy: RealCaddy) -> None:
    """An old tag is refused, a fresh one accepted, and what Caddy has against a configuration returned."""
    client = AdminClient(caddy.admin_url, timedelta(seconds=10))
    known = client.read()
    assert client.replace(known.body.replace(b"}}", b'},"apps":{}}'), known.tag) == ""
    with pytest.raises(StalePlanError):
        client.replace(known.body, known.tag)
    fresh = client.read()
    assert "unknown module: nosuch" in client.replace(b'{"apps":{"nosuch":{}}}', fresh.tag)
    client.close()


def test_a_unix_socket_is_an_address_too(make_caddy: Callable[..., RealCaddy], tmp_path: Path) -> None:
    """As packagers like to have it."""
    caddy = make_caddy()
    path = tmp_path / "a.sock"
    httpx.post(f"{caddy.admin_url}/load", json={"admin": {"listen": f"unix/{path}"}})
    client = AdminClient(f"unix://{path}", timedelta(seconds=10))
    assert b"a.sock" in client.read().body
    client.close()


def test_an_api_that_a_failed_load_moved_is_found_and_brought_back(
    make_caddy: Callable[..., RealCaddy],
) -> None:
    """Somebody's load without an admin block fails; Caddy's API then listens at its default address."""
    elsewhere = "127.0.0.1:" + str(_free_port())
    caddy = make_caddy(env={"CADDY_ADMIN": elsewhere})
    httpx.post(f"{caddy.admin_url}/load", json={"apps": {"nosuch": {}}})
    client = AdminClient(caddy.admin_url, timedelta(seconds=10), fallback_url=f"http://{elsewhere}")
    known = client.read()
    assert client.moved
    assert client.replace(known.body.replace(b"}}", b'},"apps":{}}'), known.tag) == ""
    assert client.read().etag is not None
    assert not client.moved
    client.close()


def test_another_caddy_at_the_default_address_is_not_ours(make_caddy: Callable[..., RealCaddy]) -> None:
    """It says itself that it belongs elsewhere."""
    ours, other = make_caddy(), make_caddy()
    ours.kill()
    client = AdminClient(ours.admin_url, SHORT, fallback_url=other.admin_url)
    with pytest.raises(TransientError, match=ours.admin_url):
        client.read()
    client.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
