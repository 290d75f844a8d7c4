"""The socket that the front listens on: opened by the agent, so that trouble shows at its start."""

import errno
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from argos_gitops.model.errors import SettingsError

_UNIX = "unix:"
_BACKLOG = 4096
_SOCKET_MODE = 0o660
_CONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound, listening socket. `address` is how people write where it listens."""

    socket: socket.socket
    address: str
    path: Path | None = None

    def close(self) -> None:
        """Stops listening, and takes the file of a Unix socket away."""
        self.socket.close()
        if self.path is not None:
            with suppress(FileNotFoundError):
                self.path.unlink()


def open_listener(listen: str) -> Listener:
    """Listens on `host:port`, `[v6]:port` or `unix:/path`; SettingsError names ARGOS_LISTEN if it cannot."""
    try:
        if listen.startswith(_UNIX):
            return _listen_on_path(Path(listen.removeprefix(_UNIX)))
        return _listen_on_port(*_host_and_port(listen))
    except OSError as error:
        hint = "; another process listens there" if error.errno == errno.EADDRINUSE else ""
        raise SettingsError(
            f"ARGOS_LISTEN is {listen}: cannot listen there ({error.strerror or error}){hint}; "
            "name a free address, or off for none"
        ) from error


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 2**16):
        raise SettingsError(
            f"ARGOS_LISTEN is {listen}; expected HOST:PORT such as 127.0.0.1:8780, unix:/PATH, or off"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _listen_on_port(host: str, port: int) -> Listener:
    passive = socket.AI_PASSIVE
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=passive
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # [::] means IPv4 too
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    bound, number = listening.getsockname()[:2]
    return Listener(listening, f"[{bound}]:{number}" if ":" in bound else f"{bound}:{number}")


def _listen_on_path(path: Path) -> Listener:
    """The file is for its owner and group; one that a killed agent left behind is replaced."""
    if _is_abandoned(path):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~_SOCKET_MODE)
    try:
        listening.bind(str(path))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return Listener(listening, f"{_UNIX}{path}", path)


def _is_abandoned(path: Path) -> bool:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_CONNECT_SECONDS)
            probe.connect(str(path))
    except FileNotFoundError:
        return False
    except ConnectionRefusedError:
        return True
    return False
