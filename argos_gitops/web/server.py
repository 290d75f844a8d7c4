"""uvicorn, set up for a process that strangers may reach: no banner, no access log, no endless waiting."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn import Server as UvicornServer
from uvicorn.protocols.http.h11_impl import H11Protocol

_RECEIVE_SECONDS = 15.0
_TICK_SECONDS = 1.0
_LARGEST_HEAD = 32 * 1024
_STOP_SECONDS = 3
_BACKLOG = 1024


class _ImpatientProtocol(H11Protocol):
    """Ends a connection whose next request does not arrive whole in time: uvicorn waits for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type] # asyncio's own base class is wider
        self._await_whole_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            self._stop_waiting()
        elif self._deadline is None:
            self._await_whole_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_whole_request(self) -> None:
        self._deadline = self.loop.call_later(_RECEIVE_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(UvicornServer):
    """Serves until `stop`. Leaves signals to whoever runs it, and wakes once a second at most."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(
            Config(
                application,
                http=_ImpatientProtocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",  # its warnings are of malformed requests, which anybody may send
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=_LARGEST_HEAD,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._stopped = asyncio.Event()

    async def serve_on(self, listening: socket) -> None:
        await self.serve(sockets=[listening])

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        """uvicorn's own wakes ten times a second for the Date header, which has seconds."""
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self._stopped.wait(), _TICK_SECONDS)
            except TimeoutError:
                continue

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
