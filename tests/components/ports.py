"""Loopback ports that nobody else takes, also not another worker of a parallel test run."""

import random
import socket

from tests.components.claims import claim

# Below the range that Linux gives to outgoing connections (32768 and up), so that no connection of
# a neighbour sits on a port between our choosing it and the component listening on it.
_PORTS = range(20000, 32000)
_held: list[socket.socket] = []


def free_port() -> int:
    """A free TCP port on 127.0.0.1, reserved until this process ends."""
    for port in random.sample(_PORTS, 500):  # spreads workers, guards nothing
        claimed = claim(f"argos-test-port-{port}")
        if claimed is None:
            continue
        if _is_free(port):
            _held.append(claimed)
            return port
        claimed.close()
    raise RuntimeError("no free loopback port among 500 tried")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
