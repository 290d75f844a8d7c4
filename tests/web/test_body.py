"""Bodies that are too large, endless, or never come: over raw sockets, as no good client sends them."""

import select
import socket
from collections.abc import Iterator

import httpx
import pytest

from argos_gitops.web import server
from argos_gitops.web.body import LARGEST_BODY
from tests.web.deliveries import github, mac
from tests.web.running import RunningSite


def _connect(site: RunningSite) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", site.port))
    connection.settimeout(60)
    return connection


def _status(connection: socket.socket) -> int:
    return int(connection.recv(65536).split(b" ", 2)[1])


def _is_still_served(site: RunningSite) -> bool:
    delivered = github()
    answer = site.client.post(delivered.path, content=delivered.body, headers=dict(delivered.headers))
    return answer.status_code == 202


def test_fm12_an_announced_oversized_body_is_refused_unread(site: RunningSite) -> None:
    """Nothing of it was sent yet when the answer comes."""
    with _connect(site) as connection:
        connection.sendall(
            b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1)
        )
        assert _status(connection) == 413
    assert _is_still_served(site)


def test_fm12_a_chunked_body_is_cut_off_while_it_is_read(site: RunningSite) -> None:
    """Without a length there is nothing to go by but what has come so far."""
    chunk = b"%x\r\n%s\r\n" % (65536, b"a" * 65536)
    with _connect(site) as connection:
        connection.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(LARGEST_BODY // 65536 + 1):
            connection.sendall(chunk)
        assert _status(connection) == 413
    assert _is_still_served(site)


def test_a_chunked_body_of_the_largest_size_is_read(site: RunningSite) -> None:
    body = github().body.ljust(LARGEST_BODY)

    def chunks() -> Iterator[bytes]:
        yield body[: LARGEST_BODY // 2]
        yield body[LARGEST_BODY // 2 :]

    headers = {"X-Hub-Signature-256": f"sha256={mac(body)}", "X-GitHub-Event": "push"}
    answer = site.client.post("/webhooks/github", content=chunks(), headers=headers)
    assert answer.json()["result"] == "accepted"
    longer = site.client.post("/webhooks/github", content=body + b" ", headers=headers)
    assert (longer.status_code, longer.json()["error"]) == (413, "TooLarge")


def test_a_body_that_ends_early_disturbs_nobody(site: RunningSite) -> None:
    with _connect(site) as connection:
        connection.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}")
    assert _is_still_served(site)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /webhooks/github HTT",
        b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX-Slow:",
        b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal",
    ],
    ids=["nothing", "a line", "a header", "a body", "chunks", "a second request"],
)
def test_whoever_dawdles_is_shown_the_door(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """A connection on which no whole request comes is ended, and others are served meanwhile."""
    monkeypatch.setattr(server, "_RECEIVE_SECONDS", 0.3)
    with _connect(site) as connection:
        connection.sendall(sent)
        assert _is_still_served(site)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            return


def test_a_slow_but_whole_request_is_served(site: RunningSite) -> None:
    """Byte by byte, within the time there is."""
    with _connect(site) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert _status(connection) == 200


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 40, "0x10", "", "5, 6"])
def test_a_length_that_is_no_number_is_refused(site: RunningSite, length: str) -> None:
    """By the server, before anything of ours sees it."""
    with _connect(site) as connection:
        head = f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{{}}"
        connection.sendall(head.encode())
        assert _status(connection) in (400, 413)
    assert _is_still_served(site)


def test_many_large_bodies_at_once_do_not_fill_the_memory(site: RunningSite) -> None:
    """Those beyond what may be held are told to come again; then there is room again."""
    half = b"a" * (LARGEST_BODY - 1)
    head = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LARGEST_BODY
    connections = [_connect(site) for _ in range(40)]
    for connection in connections:
        connection.sendall(head + half)
    answered, _, _ = select.select(connections, [], [], 60)
    assert _status(answered[0]) == 503
    for connection in connections:
        connection.close()
    assert httpx.get(f"{site.url}/healthz").status_code == 200
