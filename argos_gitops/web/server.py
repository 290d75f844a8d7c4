"""uvicorn, set up for a process that strangers may reach: no banner, no access log, no endless waiting."""

import asyncio
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from socket import socket
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn import Server as UvicornServer
from uvicorn.protocols.http.h11_impl import H11Protocol

from argos_gitops.web.peers import foreign_peer, forget_unsent

_RECEIVE_SECONDS = 15.0
_TAKE_IN_SECONDS = 15.0
_TICK_SECONDS = 1.0
_SPARE_DESCRIPTORS = 200
_OF_ONE_PEER = 256
_LARGEST_HEAD = 32 * 1024
_STOP_SECONDS = 3
_BACKLOG = 1024


class _ImpatientProtocol(H11Protocol):
    """Ends a connection whose next request does not arrive whole in time: uvicorn waits for ever."""

    received = b""
    """What came before the connection was passed on to us."""
    peer = ""
    _deadline: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type] # asyncio's own base class is wider
        self._await_whole_request()
        self._look_at_reader()
        if self.received:
            self.data_received(self.received)
            self.received = b""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            self._stop_waiting()
        elif self._deadline is None:
            self._await_whole_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _look_at_reader(self) -> None:
        """Ends the connection of whoever took in nothing of an answer since the last look."""
        before, self._unread = self._unread, self.transport.get_write_buffer_size()
        if before and self._unread >= before:
            forget_unsent(self.transport.get_extra_info("socket"))
            self.transport.abort()
            return
        self._look = self.loop.call_later(_TAKE_IN_SECONDS, self._look_at_reader)

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
        self.ready = asyncio.Event()
        """Connections may be given to `adopt`."""
        self._adopting: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def serve_adopted(self) -> None:
        """Serves connections that others accepted: those that are given to `adopt`."""
        await self.serve(sockets=[])

    @property
    def full(self) -> bool:
        """Whether as many connections are served as there may be."""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return len(self.server_state.connections) >= most - _SPARE_DESCRIPTORS

    def adopt(self, connection: socket, received: bytes) -> None:
        """Serves a connection on which `received` came already; not one too many of a stranger."""
        with suppress(OSError):
            peer = foreign_peer(connection.getpeername())
            others: Iterable[Any] = self.server_state.connections
            if not peer or sum(each.peer == peer for each in others) < _OF_ONE_PEER:
                task = asyncio.get_running_loop().create_task(self._adopt(connection, received, peer))
                self._adopting.add(task)
                task.add_done_callback(self._adopted)
                return
        connection.close()

    async def _adopt(self, connection: socket, received: bytes, peer: str) -> None:
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._protocol(received, peer), connection
        )

    def _adopted(self, task: "asyncio.Task[None]") -> None:
        self._adopting.discard(task)
        if not task.cancelled():
            task.exception()  # the connection was gone by then

    def _protocol(self, received: bytes, peer: str) -> _ImpatientProtocol:
        protocol = _ImpatientProtocol(self.config, self.server_state, self.lifespan.state)
        protocol.received, protocol.peer = received, peer
        return protocol

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
