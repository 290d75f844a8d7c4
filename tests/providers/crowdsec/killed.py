"""A process that applies countries and decisions, and is killed while one of its writes is under way.

`python -m tests.providers.crowdsec.killed N`: with the Nth write sent and not answered, the process gets
SIGKILL; LAPI finishes what it was sent. The world comes as JSON in the variable KILLED_WORLD.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from argos_gitops.model.resource import AnyResource
from tests.providers.crowdsec.edge import BannedEdge, country, decision, edge

SETTINGS: dict[str, Any] = {"chunkSize": 100}


def before() -> Sequence[AnyResource]:
    """What stands when the process starts: some of it will be lifted, some changed."""
    return (country("BR"), decision("old", "203.0.113.7"), decision("kept", "203.0.113.8"))


def after() -> Sequence[AnyResource]:
    """What it tries to reach."""
    added = [decision(f"new-{number}", f"192.0.2.{number}") for number in range(20)]
    return (country("NG"), country("DE"), decision("kept", "203.0.113.8", reason="other"), *added)


class FatalTransport(httpx.HTTPTransport):
    """Sends the fatal write whole, and kills the process instead of waiting for the answer."""

    def __init__(self, fatal: int) -> None:
        super().__init__()
        self._left = fatal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE" or (request.url.path == "/v1/alerts" and request.method == "POST"):
            self._left -= 1
            if not self._left:
                _send(request)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().handle_request(request)


def _send(request: httpx.Request) -> None:
    head = f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((request.url.host, request.url.port or 80)) as connection:
        connection.sendall(head.encode() + b"\r\n" + request.read())


def main() -> None:
    world: dict[str, Any] = json.loads(os.environ["KILLED_WORLD"])
    target = edge("main", world["url"], **SETTINGS)
    transport = FatalTransport(int(sys.argv[1]))
    with BannedEdge(
        target, Path(world["folder"]), world["password"], geo=Path(world["geo"]), transport=transport
    ) as ours:
        ours.want(*after()).apply()


if __name__ == "__main__":
    main()
