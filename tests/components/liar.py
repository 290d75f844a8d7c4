"""A server that answers whatever a test wants: too much, too slowly, half, or nonsense."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

Answer = Callable[[bytes], Iterable[bytes]]
"""From a request, head and body, to what is sent piece by piece; then the connection is closed."""

_PIECES_PER_SECOND = 20


def http(
    body: bytes, status: str = "200 OK", kind: str = "application/json", headers: Iterable[str] = ()
) -> bytes:
    """A whole answer with the right length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def endless(kind: str = "application/json") -> Iterator[bytes]:
    """A body that does not end, as fast as it is read."""
    yield f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    while True:
        yield b"[" + b" " * 65535


def dripping(answer: bytes) -> Iterator[bytes]:
    """A few bytes a second, each of them early enough for a timeout that counts from byte to byte."""
    for index in range(len(answer)):
        yield answer[index : index + 1]
        time.sleep(1 / _PIECES_PER_SECOND)


class Liar:
    """Listens on loopback until it is closed. `requests` are what came, in order."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.requests: list[bytes] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = _read_request(connection)
            self.requests.append(request)
            for piece in self._answer(request):
                connection.sendall(piece)


@contextmanager
def lying(*pieces: bytes) -> Iterator[Liar]:
    """The same answer to everybody."""
    with Liar(lambda _: pieces) as liar:
        yield liar


def _read_request(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(65536)
        if not part:
            return found
        found += part
    head, _, body = found.partition(b"\r\n\r\n")
    missing = _length(head) - len(body)
    while missing > 0 and (part := connection.recv(65536)):
        found, missing = found + part, missing - len(part)
    return found


def _length(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
