"""The loop that answers forward-auth: over real sockets, with a front that notes what it was passed."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.verdict import Counted, Remedy, Verdict
from argos_gitops.web import verdict_server
from argos_gitops.web.verdict_server import Limits, VerdictServer

PATIENCE = 30
BANNED = "203.0.113.2"


class Judging:
    """Bans one address on the edge `main`; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.version = 0
        self.heard_everything = True
        self.banned = {BANNED}

    def of_edge(self, name: str) -> "Judging | None":
        return self if name == "main" else None

    def only(self) -> "tuple[str, Judging]":
        return "main", self

    def verdict(self, address: str) -> Verdict:
        self.asked += 1
        if not address.replace(".", "").isdigit():
            raise ValueError("no address")
        until = time.monotonic() + 60
        if address in self.banned:
            return Verdict(Remedy.BAN, "cscli", address, until=until)
        return Verdict(Remedy.ALLOW, until=until)


class Passed:
    """The front: takes what it is passed while it has room."""

    def __init__(self) -> None:
        self.connections: list[tuple[socket.socket, bytes]] = []
        self.numbers: dict[tuple[str, str], int] = {}
        self.room = True

    def pass_on(self, connection: socket.socket, received: bytes) -> bool:
        if self.room:
            self.connections.append((connection.dup(), received))
        return self.room

    def count(self, counts: Mapping[Counted, int]) -> bool:
        for counted, number in counts.items():
            key = (counted.edge, counted.word)
            self.numbers[key] = self.numbers.get(key, 0) + number
        return True


class Running:
    """A server in a thread, on a port of its own."""

    def __init__(self, **limits: Any) -> None:
        self.judging, self.front = Judging(), Passed()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listening.getsockname()[1]
        self.server = VerdictServer(
            self._listening, self.judging, lambda: self.judging.version, self.front, Limits(**limits)
        )
        self.ticks = 0
        self.opened: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        self.server.begin()
        self.server.serve(self._tick, 0.05)

    def _tick(self) -> None:
        self.ticks += 1

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._listening.close()
        for connection, _received in self.front.connections:
            connection.close()

    def close(self) -> None:
        for connection in self.opened:
            connection.close()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        self.opened.append(connection)
        return connection


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    with contextlib.ExitStack() as ends:

        def starter(**limits: Any) -> Running:
            running = ends.enter_context(Running(**limits))
            ends.callback(running.close)
            return running

        yield starter


def question(address: str = BANNED, path: str = "/auth/forward/main", headers: str = "") -> bytes:
    return f"GET {path}?client={address} HTTP/1.1\r\nHost: agent\r\n{headers}\r\n".encode()


def answered(connection: socket.socket, answers: int = 1) -> list[int]:
    """The statuses of so many answers."""
    received: bytes = b""
    while received.count(b"HTTP/1.1 ") < answers or not received.endswith(b"\n"):
        data = connection.recv(65536)
        assert data, received
        received += data
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (question(), 403),
        (question("203.0.113.1"), 204),
        (question("nobody"), 400),
        (question(path="/auth/forward/other"), 404),
        (question(path="/auth/forward"), 403),
        (question(headers="Connection: keep-alive\r\nUser-Agent: Go-http-client/1.1\r\n"), 403),
        (question().replace(b"GET", b"HEAD"), 403),
    ],
)
def test_plain_questions_are_answered(start: Callable[..., Running], asked: bytes, status: int) -> None:
    """And nobody is disturbed; the connection stays."""
    running = start()
    connection = running.connect()
    for _ in range(2):
        connection.sendall(asked)
        assert answered(connection) == [status]
    assert running.front.connections == []


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"POST /webhooks/github HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
        b"GET /auth/forwarding HTTP/1.1\r\n\r\n",
        b"GET /auth/forward/Main?client=1.2.3.4 HTTP/1.1\r\n\r\n",
        b"GET /auth/forward/main?client=1.2.3.4 HTTP/1.0\r\n\r\n",
        question(headers="Content-Length: 4\r\n"),
        question(headers="Content-Length : 4\r\n"),
        question(headers="content-length:\t4\r\n"),
        question(headers="Transfer-Encoding: chunked\r\n"),
        question(headers="X: 1\r\n Transfer-Encoding: chunked\r\n"),
        question(headers="X: 1\nTransfer-Encoding: chunked\r\n"),
        question(headers="Connection: close\r\n"),
        question(headers="Connection: keep-alive, Upgrade\r\n"),
        question(headers="Upgrade: h2c\r\n"),
        question(headers="Expect: 100-continue\r\n"),
        question(headers="no colon\r\n"),
        b"POST /auth/forward/main?client=1.2.3.4 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\n",
        b"GET /auth/forward/main?x=" + b"x" * 17_000,
    ],
)
def test_everything_else_goes_to_the_front_with_the_bytes_that_came(
    start: Callable[..., Running], asked: bytes
) -> None:
    """What might have a body or mean something else is for a whole parser, never for a guess."""
    running = start()
    connection = running.connect()
    connection.sendall(question() + asked)
    until(lambda: bool(running.front.connections))
    assert answered(connection) == [403]
    assert b"".join(received for _, received in running.front.connections) == asked


def test_who_knows_nothing_yet_answers_nothing(start: Callable[..., Running]) -> None:
    """A process that was just started passes questions on, or a banned visitor would get in."""
    running = start()
    running.judging.heard_everything = False
    running.connect().sendall(question())
    until(lambda: bool(running.front.connections))
    assert running.front.connections[0][1] == question()
    running.judging.heard_everything = True
    connection = running.connect()
    connection.sendall(question())
    assert answered(connection) == [403]


def test_questions_that_come_together_are_answered_in_order(start: Callable[..., Running]) -> None:
    running = start()
    connection = running.connect()
    asked = (question() + question("nobody") + question(path="/auth/forward/other")) * 20
    for begin in range(0, len(asked), 7):
        connection.sendall(asked[begin : begin + 7])
    assert answered(connection, 60) == [403, 400, 404] * 20


def test_a_flood_of_one_address_is_judged_once(start: Callable[..., Running]) -> None:
    """Until something changes: then each question is judged anew."""
    running = start()
    connections = [running.connect() for _ in range(40)]
    for connection in connections:
        connection.sendall(question() * 25)
    for connection in connections:
        assert answered(connection, 25) == [403] * 25
    assert running.judging.asked == 1
    until(lambda: running.front.numbers == {("main", "ban"): 1000})
    running.judging.banned.clear()
    running.judging.version += 1
    connections[0].sendall(question("203.0.113.2"))
    assert answered(connections[0]) != [403]


def test_a_process_with_much_to_answer_says_that_it_lives(start: Callable[..., Running]) -> None:
    """In the middle of all that came at once: else it counts as hung, and is killed by whoever asks much."""
    running, released = start(), threading.Event()
    seen: list[int] = []

    def slowly(address: str) -> Verdict:
        released.wait(PATIENCE)
        time.sleep(0.02)  # the work
        seen.append(running.ticks)
        return Verdict(Remedy.BAN)

    connections = [running.connect() for _ in range(51)]
    until(lambda: running.server.connections == 51)
    running.judging.verdict = slowly  # type: ignore[method-assign]
    for number, connection in enumerate(connections):
        connection.sendall(question(f"203.0.113.{number}"))
    released.set()
    for connection in connections:
        assert answered(connection) == [403]
    assert len(set(seen)) > 5


def test_who_never_ends_a_request_is_dropped(start: Callable[..., Running]) -> None:
    """Also one that goes on sending, a byte at a time; who asks properly stays."""
    running = start(request_seconds=0.4)
    silent, slow, asking = running.connect(), running.connect(), running.connect()
    with contextlib.suppress(OSError):
        for byte in question() * 100:
            slow.sendall(bytes([byte]) if byte != 10 else b"x")
            asking.sendall(question())
            assert answered(asking) == [403]
            time.sleep(0.02)
            if running.ticks > 40:
                break
    assert is_closed(silent)
    assert is_closed(slow)
    asking.sendall(question())
    assert answered(asking) == [403]


def test_who_never_takes_in_its_answers_is_dropped(start: Callable[..., Running]) -> None:
    """And while it does not, nothing more of it is read."""
    running = start(answer_seconds=0.5)
    greedy, other = running.connect(), running.connect()
    greedy.settimeout(0.2)
    with contextlib.suppress(OSError):
        while True:
            greedy.sendall(question() * 500)
    until(lambda: running.server.connections <= 1)
    other.sendall(question())
    assert answered(other) == [403]


def test_an_idle_connection_is_closed(start: Callable[..., Running]) -> None:
    running = start(idle_seconds=0.3)
    connection = running.connect()
    connection.sendall(question())
    assert answered(connection) == [403]
    assert is_closed(connection)


def test_too_many_connections_cost_the_idlest(start: Callable[..., Running]) -> None:
    """One that asks all the time keeps its place."""
    running = start(connections=10)
    asking = running.connect()
    silent = []
    for _ in range(30):
        silent.append(running.connect())
        asking.sendall(question())
        assert answered(asking) == [403]
    until(lambda: running.server.connections == 10)
    assert is_closed(silent[0])


def test_a_stranger_has_so_many_connections_and_a_neighbour_any_number(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caddy is one neighbour with many connections; here 127.0.0.1 is made a stranger's address."""
    running = start(of_one_peer=3)
    neighbours = [running.connect() for _ in range(10)]
    for each in neighbours:
        each.sendall(question())
        assert answered(each) == [403]
    monkeypatch.setattr(verdict_server, "foreign_peer", lambda address: "a stranger")
    strangers = [running.connect() for _ in range(3)]
    for each in strangers:
        each.sendall(question())
        assert answered(each) == [403]
    assert is_closed(running.connect())
    strangers[0].close()
    until(lambda: running.server.connections == 12)
    again = running.connect()
    again.sendall(question())
    assert answered(again) == [403]


def test_a_front_without_room_is_waited_for(start: Callable[..., Running]) -> None:
    running = start()
    running.front.room = False
    connections = [running.connect() for _ in range(5)]
    for each in connections:
        each.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
    asking = running.connect()
    asking.sendall(question())
    assert answered(asking) == [403]
    running.front.room = True
    until(lambda: len(running.front.connections) == 5)


def test_running_out_of_descriptors_ends_nothing(start: Callable[..., Running], tmp_path: Path) -> None:
    """Whoever asked before is still answered, silent strangers make room, and all is well afterwards."""
    running = start()
    asking = running.connect()
    asking.sendall(question())
    assert answered(asking) == [403]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = [socket.socket() for _ in range(50)]
    used = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 3, hard))
    try:
        for each in waiting:
            each.settimeout(PATIENCE)
            each.connect(("127.0.0.1", running.port))
        ticks = running.ticks
        until(lambda: running.ticks > ticks + 20)
        asking.sendall(question())
        assert answered(asking) in ([403],)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    late = running.connect()
    late.sendall(question())
    assert answered(late) == [403]
    for each in waiting:
        each.close()


def test_an_answer_to_a_long_question_is_not_kept(start: Callable[..., Running]) -> None:
    """Or whoever asks long questions fills the memory with them."""
    running = start()
    connection = running.connect()
    for padding, asked in (("", 1), ("&x=" + "y" * 1000, 3)):
        for _ in range(2):
            connection.sendall(question(BANNED + padding))
            assert answered(connection) == [403]
        assert running.judging.asked == asked
