"""Visitors in a process of their own: `python -m benchmarks.crowd PORT SOURCE HOW-MANY SECONDS PATH PAUSE`.

Each has a connection from the address SOURCE, and asks again PAUSE seconds after it was answered. It prints
one JSON object: how many answers there were by status, 0 being connections that failed, and the seconds
that each answer took.
"""

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measure import Spread

_ENDS = b"\r\n\r\n"
_MOST_TIMES = 20_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What a crowd got: how often each status, and the waiting times in seconds."""

    statuses: Mapping[int, int]
    waited: Spread

    @property
    def count(self) -> int:
        return sum(self.statuses.values())


class Crowd:
    """The process, begun at once; `answers` waits for its end."""

    def __init__(
        self, port: int, source: str, visitors: int, seconds: float, path: str = "/", pause: float = 0.0
    ) -> None:
        given = (port, source, visitors, seconds, path, pause)
        command = [sys.executable, "-m", "benchmarks.crowd", *map(str, given)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def answers(self) -> Answers:
        output, _ = self._process.communicate()
        found = json.loads(output)
        statuses = {int(status): count for status, count in found["statuses"].items()}
        return Answers(statuses, Spread(tuple(found["waited"]) or (0.0,)))


class _Visitor:
    def __init__(self, crowd: "_Crowd") -> None:
        self._crowd = crowd
        self._asked_at = 0.0
        self._received = b""
        self._connect()

    def ask(self) -> None:
        self._asked_at = time.perf_counter()
        try:
            self._socket.sendall(self._crowd.request)
        except OSError:
            self._failed()

    def receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._failed()
            return
        self._received += data
        head, end, body = self._received.partition(_ENDS)
        if end and len(body) >= _length(head):
            self._received = b""
            self._crowd.answered(int(head[9:12]), time.perf_counter() - self._asked_at)
            self._crowd.later(self)

    def _connect(self) -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", self._crowd.port), timeout=60, source_address=(self._crowd.source, 0)
        )
        self._crowd.selector.register(self._socket, selectors.EVENT_READ, self)

    def _failed(self) -> None:
        self._crowd.answered(0, time.perf_counter() - self._asked_at)
        self._crowd.selector.unregister(self._socket)
        self._socket.close()
        self._received = b""
        self._connect()
        self._crowd.later(self)


class _Crowd:
    def __init__(self, port: int, source: str, path: str, pause: float) -> None:
        self.port, self.source = port, source
        self.request = f"GET {path} HTTP/1.1\r\nHost: flood.example.com\r\n\r\n".encode()
        self.selector = selectors.DefaultSelector()
        self.statuses: Counter[int] = Counter()
        self.waited: list[float] = []
        self._pause = pause
        self._due: list[tuple[float, _Visitor]] = []

    def answered(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        if len(self.waited) < _MOST_TIMES:
            self.waited.append(seconds)

    def later(self, visitor: _Visitor) -> None:
        if self._pause:
            self._due.append((time.monotonic() + self._pause, visitor))
        else:
            visitor.ask()

    def visit(self, visitors: int, seconds: float) -> None:
        for visitor in [_Visitor(self) for _ in range(visitors)]:
            visitor.ask()
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._due and self._due[0][0] <= now:
                self._due.pop(0)[1].ask()
            for key, _ in self.selector.select(0.005 if self._due else 0.2):
                key.data.receive()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def main() -> None:
    port, source, visitors, seconds, path, pause = sys.argv[1:]
    crowd = _Crowd(int(port), source, path, float(pause))
    crowd.visit(int(visitors), float(seconds))
    print(json.dumps({"statuses": crowd.statuses, "waited": crowd.waited}))


if __name__ == "__main__":
    main()
