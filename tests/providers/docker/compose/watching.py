"""Sees from outside what other processes do: which files they open, and whether they call somebody.

Facts: inotify(7). What is refused before it is opened is no event.
"""

import ctypes
import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_ACCESS, _OPEN = 0x1, 0x20
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Opened:
    """The watched paths that somebody opened or read since the last look."""

    _descriptor: int
    _paths: dict[int, Path] = field(default_factory=dict)

    def watch(self, path: Path) -> None:
        number = _libc.inotify_add_watch(self._descriptor, os.fsencode(path), _ACCESS | _OPEN)
        if number < 0:
            raise OSError(ctypes.get_errno(), f"{path} cannot be watched")
        self._paths[number] = path

    def seen(self) -> set[str]:
        found = set()
        while _ready(self._descriptor):
            data = os.read(self._descriptor, 65536)
            at = 0
            while at < len(data):
                number, _, _, length = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0").decode()
                found.add(str(self._paths[number] / name) if name else str(self._paths[number]))
                at += _EVENT.size + length
        return found


@contextmanager
def opened(*folders: Path) -> Iterator[Opened]:
    """Watches these folders and the files in them."""
    descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        watching = Opened(descriptor)
        for folder in folders:
            watching.watch(folder)
            for path in folder.iterdir():
                watching.watch(path)
        watching.seen()
        yield watching
    finally:
        os.close(descriptor)


def _ready(descriptor: int) -> bool:
    """Whether there is something to read. A worker may have more descriptors than `select` takes."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@dataclass(frozen=True)
class Listeners:
    """Sockets that somebody may call: TCP and UDP on loopback, and one in a folder."""

    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    path: Path

    @property
    def tcp_port(self) -> int:
        return int(self.tcp.getsockname()[1])

    @property
    def udp_port(self) -> int:
        return int(self.udp.getsockname()[1])

    def called(self) -> list[str]:
        """Those that somebody has called, or sent something to."""
        sockets = {"tcp": self.tcp, "udp": self.udp, "unix": self.unix}
        return [name for name, each in sockets.items() if _ready(each.fileno())]


@contextmanager
def listeners(folder: Path) -> Iterator[Listeners]:
    path = folder / "l.sock"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(path))
        unix.listen()
        yield Listeners(tcp, udp, unix, path)
