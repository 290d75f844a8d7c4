"""Answers plain questions of forward-auth on the listener, and passes every other connection on.

A flood must be answered in microseconds, by a process that does nothing else: one loop, no thread, no
framework. Only what is beyond doubt a question without a body is answered here. Everything else goes to the
front with the very bytes that came, which has a whole HTTP parser; so nothing here is ever a second opinion
about a request.

Whoever keeps a place without using it loses it: each connection has a moment by which it must have sent a
whole request, or taken in its answer. Where descriptors run out, connections that wait for nothing are
closed, and nobody is accepted for a moment.
"""

import errno
import json
import re
import selectors
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from argos_gitops.model.verdict import Counted
from argos_gitops.web.counts import Counts, VerdictCounts
from argos_gitops.web.headers import SECURITY_HEADERS
from argos_gitops.web.peers import foreign_peer, forget_unsent
from argos_gitops.web.questions import Answer, Judges, answer

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_BEGINS = (b"GET /auth/forward", b"HEAD /auth/forward")
_CHUNK = 64 * 1024
_LONGEST_LINE = 8 * 1024
_LONGEST_KEPT = 256
"""Bytes of a request line whose answer is kept. Caddy's are shorter; others may not fill the memory."""
_LONGEST_HEAD = 16 * 1024
_HEAD_ENDS = b"\r\n\r\n"
_ACCEPTED_AT_ONCE = 4
"""Fewer than the failures after which a Caddy asks nobody for a while: should this process hang or die, those
whose first question is still open are the ones that Go does not ask again by itself."""
_REST_SECONDS = 0.1
_NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# Origin-form, a name as resources have one, and a query without anything that a parser could read otherwise.
_QUESTION = re.compile(
    rb"(GET|HEAD) /auth/forward(?:/([a-z0-9-]{1,63}))?(?:\?([!$-;=?-Z_a-z~]*))? HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
# A body, another protocol, or a wish that only a whole server understands.
_MORE = re.compile(
    rb"(?i)(?:\A|\r\n)"
    rb"(?:content-length|transfer-encoding|upgrade|expect|te:|trailer|connection:(?! ?keep-alive\r\n))"
)
_REASONS = {
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    503: "Service Unavailable",
}
_COMMON = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items())


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections are kept, and for how many seconds one that does nothing."""

    connections: int = 32_000
    of_one_peer: int = 256
    """From one address that is neither this machine nor a neighbour in a private network.

    Neighbours have no limit of their own: a Caddy comes from there, with up to 128 connections for each of
    its Hosts, and the gateway of a container network may stand for several of them, so a limit would refuse
    the visitors of a busy edge. Beyond `connections` silent ones are closed first, whoever has them.
    """
    request_seconds: float = 15.0
    answer_seconds: float = 15.0
    idle_seconds: float = 60.0
    kept_seconds: float = 30.0
    most_kept: int = 20_000


class Front(Protocol):
    """Where the other connections go, and what was counted."""

    def pass_on(self, connection: socket.socket, received: bytes) -> bool:
        """Whether it has them now; False while it has no room."""
        ...

    def count(self, counts: Counts) -> bool:
        """Whether it has them now; False while it has no room."""
        ...


class _Connection:
    __slots__ = ("asked", "deadline", "idle", "peer", "received", "sending", "socket", "waits")

    def __init__(self, connection: socket.socket, peer: str, deadline: float) -> None:
        self.socket = connection
        self.peer = peer
        self.received = b""
        self.sending = b""
        self.deadline = deadline
        self.idle = True
        self.asked = False
        self.waits = False
        """For room at the front."""


class _Regularly:
    """Does something at the first look, and then about every so many seconds."""

    __slots__ = ("_seconds", "_work", "due")

    def __init__(self, work: Callable[[], None], seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self.due = 0.0

    def look(self, now: float) -> None:
        if now >= self.due:
            self.due = now + self._seconds
            self._work()


class VerdictServer:
    """The loop. `version` is another number whenever a verdict may have become another one.

    Until the judges have heard everything, questions go to the front like everything else: others answer, or
    it says that nobody can tell.
    """

    def __init__(
        self,
        listening: socket.socket,
        judges: Judges,
        version: Callable[[], int],
        front: Front,
        limits: Limits = Limits(),
    ) -> None:
        self._listening = listening
        self._judges = judges
        self._version = version
        self._front = front
        self._limits = limits
        self._selector = selectors.DefaultSelector()
        self._connections: OrderedDict[_Connection, None] = OrderedDict()
        self._peers: dict[str, int] = {}
        self._waiting: OrderedDict[_Connection, None] = OrderedDict()
        self._kept: dict[bytes, tuple[float, bytes, Counted | None]] = {}
        self._kept_version = -1
        self._counts = VerdictCounts()
        self._accepts_at = 0.0
        self._accepting = False
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._over = False

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    def watch(self, descriptor: socket.socket, heard: Callable[[], None]) -> None:
        """Calls `heard` whenever there is something to read."""
        self._selector.register(descriptor, READ, heard)

    def at(self, moment: float, due: Callable[[], None]) -> None:
        """Calls `due` once, at about that moment of the monotonic clock."""
        self._due.append((moment, due))

    def stop(self) -> None:
        self._over = True

    def begin(self) -> None:
        """Accepts connections from now on."""
        self._listening.setblocking(False)
        self._accept_again(time.monotonic())

    def serve(self, tick: Callable[[], None], seconds: float) -> None:
        """Runs until `stop`. Calls `tick` at once, and then about every so many seconds, also in the middle
        of a flood: a process that has much to answer must not look as if it hung."""
        ticks, upkeep = _Regularly(tick, seconds), _Regularly(self._upkeep, seconds)
        while not self._over:
            now = time.monotonic()
            ticks.look(now)
            upkeep.look(now)
            if not self._accepting and now >= self._accepts_at > 0:
                self._accept_again(now)
            pause = 0.02 if self._waiting else _REST_SECONDS if not self._accepting else upkeep.due - now
            for key, ready in self._selector.select(max(0.0, pause)):
                ticks.look(time.monotonic())
                if isinstance(key.data, _Connection):
                    self._serve(key.data, ready)
                else:
                    key.data()
            self._pass_on_waiting()
        for connection in list(self._connections):
            self._drop(connection)
        self._counts.send(self._front.count)

    # Accepting

    def _accept(self) -> None:
        """A few at a time: others that share the listener want some too."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS:
                    self._rest()
                    return
                continue  # it was gone before it was accepted
            self._take_in(accepted, foreign_peer(address))

    def _take_in(self, accepted: socket.socket, peer: str) -> None:
        if peer and self._peers.get(peer, 0) >= self._limits.of_one_peer:
            accepted.close()
            return
        if len(self._connections) >= self._limits.connections and not self._close_an_idle_one():
            accepted.close()
            return
        accepted.setblocking(False)
        connection = _Connection(accepted, peer, time.monotonic() + self._limits.request_seconds)
        self._connections[connection] = None
        if peer:
            self._peers[peer] = self._peers.get(peer, 0) + 1
        self._selector.register(accepted, READ, connection)
        self._serve(connection, READ)  # most questions have come along already

    def _rest(self) -> None:
        """No descriptor is left: who waits for nothing gives one back, and nobody comes for a moment."""
        self._close_an_idle_one()
        self._selector.unregister(self._listening)
        self._accepting = False
        self._accepts_at = time.monotonic() + _REST_SECONDS

    def _accept_again(self, now: float) -> None:
        self._selector.register(self._listening, READ, self._accept)
        self._accepting = True
        self._accepts_at = now

    def _close_an_idle_one(self) -> bool:
        """One that never asked anything, else the one that has been idle for longest: silent strangers cost
        an edge, which keeps its connections, none of them."""
        idle = next((each for each in self._connections if each.idle and not each.asked), None)
        idle = idle or next((each for each in self._connections if each.idle), None)
        if idle is not None:
            self._drop(idle)
        return idle is not None

    # Answering

    def _serve(self, connection: _Connection, ready: int) -> None:
        try:
            if ready & WRITE:
                self._send(connection)
            if ready & READ and not connection.sending and not self._receive(connection):
                return
            if not connection.sending:
                self._answer_all(connection)
        except OSError:
            self._drop(connection)

    def _receive(self, connection: _Connection) -> bool:
        try:
            data = connection.socket.recv(_CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._drop(connection)
            return False
        if connection.idle:
            connection.idle = False
            connection.deadline = time.monotonic() + self._limits.request_seconds
        connection.received += data
        return True

    def _answer_all(self, connection: _Connection) -> None:
        """Answers whole questions in their order, until something else comes, or the answers pile up."""
        received, at = connection.received, 0
        answers: list[bytes] = []
        while received.find(_HEAD_ENDS, at) >= 0:
            question = _QUESTION.match(received, at)
            if question is None or _MORE.search(question[4]) or not self._judges.heard_everything:
                break
            answers.append(self._answer(question))
            at = question.end()
        received = connection.received = received[at:]
        if answers:
            connection.asked = True
            connection.sending = b"".join(answers)
            self._send(connection)
        if connection.sending:
            return
        if received and _is_for_front(received):
            self._pass_on(connection)
        elif not received and not connection.idle:
            connection.idle = True
            connection.deadline = time.monotonic() + self._limits.idle_seconds
            self._connections.move_to_end(connection)

    def _answer(self, question: "re.Match[bytes]") -> bytes:
        now, version = time.monotonic(), self._version()
        if version != self._kept_version or len(self._kept) > self._limits.most_kept:
            self._kept, self._kept_version = {}, version
        asked = question.string[question.start() : question.start(4)]
        until, said, counted = self._kept.get(asked, (0.0, b"", None))
        if until <= now:
            edge = question[2].decode() if question[2] is not None else None
            found = answer(self._judges, edge, (question[3] or b"").decode("latin-1"))
            said, counted = _bytes_of(found, head=question[1] == b"HEAD"), found.counted
            if found.until > now and len(asked) <= _LONGEST_KEPT:
                self._kept[asked] = (min(found.until, now + self._limits.kept_seconds), said, counted)
        if counted is not None:
            self._counts.add(counted)
        return said

    def _send(self, connection: _Connection) -> None:
        """What does not go out at once is waited for, and nothing is read meanwhile."""
        had = bool(connection.sending)
        try:
            sent = connection.socket.send(connection.sending) if had else 0
        except BlockingIOError:
            sent = 0
        connection.sending = connection.sending[sent:]
        events = WRITE if connection.sending else READ
        if self._selector.get_key(connection.socket).events != events:
            self._selector.modify(connection.socket, events, connection)
            connection.deadline = time.monotonic() + (
                self._limits.answer_seconds if connection.sending else self._limits.request_seconds
            )

    # Passing on

    def _pass_on(self, connection: _Connection) -> None:
        if self._front.pass_on(connection.socket, connection.received):
            self._drop(connection)
        else:
            self._selector.unregister(connection.socket)
            connection.waits = True
            self._waiting[connection] = None

    def _pass_on_waiting(self) -> None:
        while self._waiting:
            connection = next(iter(self._waiting))
            try:
                if not self._front.pass_on(connection.socket, connection.received):
                    return
            except OSError:
                pass
            self._drop(connection)

    # Ending

    def _upkeep(self) -> None:
        now = time.monotonic()
        for connection in [each for each in self._connections if each.deadline <= now]:
            self._drop(connection)
        self._counts.send(self._front.count)
        for each in [each for each in self._due if each[0] <= now]:
            self._due.remove(each)
            each[1]()

    def _drop(self, connection: _Connection) -> None:
        if self._connections.pop(connection, connection) is connection:
            return
        self._waiting.pop(connection, None)
        if not connection.waits:
            self._selector.unregister(connection.socket)
        if connection.sending:
            forget_unsent(connection.socket)
        connection.socket.close()
        left = self._peers.get(connection.peer, 0) - 1
        if left > 0:
            self._peers[connection.peer] = left
        else:
            self._peers.pop(connection.peer, None)


def _is_for_front(received: bytes) -> bool:
    """Whether what came, and is no plain question, is enough to know that it will be none."""
    if received.startswith(_BEGINS) and _HEAD_ENDS not in received:
        return len(received) > _LONGEST_HEAD
    return b"\n" in received or len(received) > _LONGEST_LINE


def _bytes_of(said: Answer, *, head: bool) -> bytes:
    """The whole answer to a question, which keeps its connection."""
    begin = f"HTTP/1.1 {said.status} {_REASONS[said.status]}\r\n{_COMMON}"
    if said.document is None:
        return f"{begin}\r\n".encode()
    body = json.dumps(said.document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"{begin}{fields}".encode() + (b"" if head else body)
