"""An edge that asks for verdicts, in a process of its own: `python -m benchmarks.visitors PORT SECONDS`.

It asks 200 times a second about ever other addresses, over eight connections that stay open, as Caddy's do,
and prints one JSON list: how many seconds each answer took.
"""

import json
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle

from benchmarks.measure import Spread

_CONNECTIONS = 8
_PAUSE_SECONDS = 0.005
_ANSWERS = (b"HTTP/1.1 204", b"HTTP/1.1 403")


class Visitors:
    """The process, begun at once; `waited` are its answers, once it has ended."""

    def __init__(self, port: int, seconds: float) -> None:
        command = [sys.executable, "-m", "benchmarks.visitors", str(port), str(seconds)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def waited(self) -> Spread:
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("an answer was neither a pass nor a refusal")
        return Spread(tuple(json.loads(output)))


def _ask(port: int, seconds: float) -> Iterator[float]:
    connections = cycle([socket.create_connection(("127.0.0.1", port)) for _ in range(_CONNECTIONS)])
    chance = random.Random(7)  # noqa: S311 # no secret: the same visitors each time
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        address = f"{chance.randrange(236, 256)}.{chance.randrange(256)}.{chance.randrange(256)}.7"
        yield _answered(next(connections), address)
        time.sleep(_PAUSE_SECONDS)


def _answered(connection: socket.socket, address: str) -> float:
    request = f"GET /auth/forward/main?client={address}&remote=127.0.0.1 HTTP/1.1\r\nHost: agent\r\n\r\n"
    begun = time.perf_counter()
    connection.sendall(request.encode())
    answer = _whole_answer(connection)
    took = time.perf_counter() - begun
    if not answer.startswith(_ANSWERS):
        raise RuntimeError(answer[:200].decode(errors="replace"))
    return took


def _whole_answer(connection: socket.socket) -> bytes:
    """Head and body, which may come one after the other."""
    answer = b""
    while True:
        answer += connection.recv(65536)
        head, end, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            return answer


if __name__ == "__main__":
    print(json.dumps(list(_ask(int(sys.argv[1]), float(sys.argv[2])))))
