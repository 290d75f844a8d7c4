"""An HTTP server on loopback that takes messages: what webhooks, bots and push services talk to in tests."""

import threading
from collections import deque
from dataclasses import dataclass, field
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Answer:
    """`hang`: says nothing until the receiver ends."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    hang: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    headers: Headers
    body: bytes


class Receiver:
    """Keeps what it was sent, and gives the answers of `script` first, then 200."""

    def __init__(self, *script: Answer) -> None:
        self.received: list[Received] = []
        self.script = deque(script)
        self.always: Answer | None = None
        self._over = threading.Event()
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, count: int, seconds: float = 60) -> list[Received]:
        """The messages so far, once there are so many; AssertionError when they do not come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return list(self.received)

    def take(self, received: Received) -> Answer:
        with self._came:
            self.received.append(received)
            self._came.notify_all()
            answer = self.always or (self.script.popleft() if self.script else Answer())
        if answer.hang:
            self._over.wait()
        return answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server chooses the name
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.take(Received(self.path, self.headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent: what came is in `received`."""

    return Handler
