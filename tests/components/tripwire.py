"""A relay in front of a component that kills the agent at a chosen write.

It stands between the agent and Caddy's admin API or LAPI, passes every request on, and at the n-th
request that writes it ends the agent with SIGKILL: before the component has seen it, or after it was
carried out but before the agent learns of it. No code of the product has to know.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "trailer", "te", "upgrade"}


@dataclass
class Trap:
    """Shared by the relays of one agent, so that the writes to all its components count together.

    `at` is the number of the write (from 0) that springs it, None lets all pass; `after` says whether
    that write is still carried out. The agent's process id is set once it runs.
    """

    at: int | None = None
    after: bool = False
    pid: int | None = None
    writes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, request: str) -> int:
        with self._lock:
            self.writes.append(request)
            return len(self.writes) - 1

    def spring(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)


@contextmanager
def relay(upstream: str, trap: Trap) -> Iterator[str]:
    """The URL of a relay to `upstream`, an http URL on loopback."""
    server = _Server(("127.0.0.1", 0), _handler(urlsplit(upstream).netloc, trap))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Silent: an agent that was killed resets its connections."""


def _handler(netloc: str, trap: Trap) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            writes = self.command != "GET" and "login" not in self.path
            sprung = writes and trap.number(f"{self.command} {self.path}") == trap.at
            if sprung and not trap.after:
                trap.spring()
                self.close_connection = True
                return
            answer = self._ask(body)
            if sprung:
                trap.spring()
                self.close_connection = True
                return
            self._answer(*answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass_on  # noqa: N815

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection(netloc, timeout=120)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_HEADERS}
            connection.request(self.command, self.path, body, {**headers, "Host": netloc})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, answer.getheaders(), content

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_HEADERS | {"content-length", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent: the writes are in the trap."""

    return Handler
