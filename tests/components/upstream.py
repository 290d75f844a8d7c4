"""A small HTTP server on loopback that says its name: what stands behind the edge in tests."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class LoopbackServer(ThreadingHTTPServer):
    """Serves with a handler on a port of loopback, 0 for a free one, while it is entered."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class Upstream(LoopbackServer):
    """Answers every request with 200 and its name, and keeps the paths and headers it was asked with."""

    def __init__(self, name: str = "upstream", port: int = 0) -> None:
        super().__init__(_handler(self), port)
        self.name = name
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    @property
    def port(self) -> int:
        return self.server_port

    @property
    def address(self) -> str:
        """`127.0.0.1:<port>`, as a Service names its targets."""
        return f"127.0.0.1:{self.port}"


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server chooses the name
            upstream.paths.append(self.path)
            upstream.headers.append(dict(self.headers.items()))
            body = f"{upstream.name}\n".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent: what was asked is in `paths`."""

    return Handler
