"""Connections that give up on a peer which sends, or takes, bytes too slowly."""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """What a peer has to keep up with, once its first byte is there: `seconds`, and one more for every
    `bytes_per_second` bytes. Until then the timeouts of the request hold."""

    seconds: float = 30.0
    bytes_per_second: float = 4096.0


class _Meter:
    """One message in one direction. Only waiting counts, not what the reader does in between."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._count = 0
        self._waited = 0.0

    def left(self, timeout: float | None) -> float | None:
        """How long the next wait may be; zero or less where the peer has been too slow."""
        if not self._count:
            return timeout
        rest = self._pace.seconds + self._count / self._pace.bytes_per_second - self._waited
        return rest if timeout is None else min(timeout, rest)

    def add(self, count: int, waited: float) -> None:
        if self._count:
            self._waited += waited
        self._count += count


class PacedStream(httpcore.NetworkStream):
    """A message begins wherever the direction changes, as in HTTP/1.1."""

    def __init__(self, stream: httpcore.NetworkStream, pace: Pace) -> None:
        self._stream = stream
        self._pace = pace
        self._sent: _Meter | None = None
        self._received: _Meter | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sent = None
        self._received = meter = self._received or _Meter(self._pace)
        left = meter.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("the answer comes too slowly")
        began = time.monotonic()
        found = self._stream.read(max_bytes, left)
        meter.add(len(found), time.monotonic() - began)
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._received = None
        self._sent = meter = self._sent or _Meter(self._pace)
        for start in range(0, len(buffer), _PIECE):
            left = meter.left(timeout)
            if left is not None and left <= 0:
                raise httpcore.WriteTimeout("the request is taken too slowly")
            piece = buffer[start : start + _PIECE]
            began = time.monotonic()
            self._stream.write(piece, left)
            meter.add(len(piece), time.monotonic() - began)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return PacedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._pace)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class PacedBackend(httpcore.NetworkBackend):
    """Opens connections that keep to `pace`."""

    def __init__(self, backend: httpcore.NetworkBackend, pace: Pace) -> None:
        self._backend = backend
        self._pace = pace

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return PacedStream(found, self._pace)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return PacedStream(self._backend.connect_unix_socket(path, timeout, socket_options), self._pace)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)
