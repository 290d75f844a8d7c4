"""Loopback ports that nobody else takes, also not another worker of a parallel test run."""

import errno
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the range that Linux gives to outgoing connections (32768 and up), so that no connection of
# a neighbour sits on a port between our choosing it and the component listening on it.
_PORTS = range(20000, 32000)
_held: list[int] = []


def free_port() -> int:
    """A free TCP port on 127.0.0.1, reserved by a lock file until this process ends."""
    for port in random.sample(_PORTS, 500):  # spreads workers, guards nothing
        if _reserve(port):
            if _is_free(port):
                return port
            os.close(_held.pop())
    raise RuntimeError("no free loopback port among 500 tried")


def _reserve(port: int) -> bool:
    folder = Path(tempfile.gettempdir()) / f"argos-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    _held.append(lock)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
