"""What one process knows of the bouncers, made known to all that answer.

One end feeds: it lives beside the bouncers. The other ends are fed: each process that answers has one. A
table of decisions travels as a descriptor of anonymous memory, sealed before it leaves: all share one copy
of it, and nothing under it can change. What came or went since travels as a message. Messages are packets
of JSON, and a large one lies in such memory too, so that each fits whatever it says; a packet that finds no
room, as its reader is busy or gone, is not waited for: that reader is told everything anew later. The
other way travels what was answered, for the usage metrics of the bouncers.
"""

import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.app.channel import NUMBERS
from argos_gitops.app.last_known import (
    Known,
    LastKnown,
    Message,
    decode_changes,
    encode_changes,
    mapped,
    sealed_memory,
)
from argos_gitops.app.verdict_usage import VerdictUsage
from argos_gitops.model.verdict import Verdict
from argos_gitops.planning.decisions import DecisionTable, Placed, packed_address, verdict_of
from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.verdict import Kept, Standing
from argos_gitops.web.counts import Counts, encode_counts

LARGEST_PACKET = 64 * 1024
_LARGEST_SENT = 32 * 1024
_HEARD_AT_ONCE = 100
_HELLO = b"hello"
_IN_MEMORY = b"memory"
"""In the place of a message that lies in the memory that comes along."""


class Feed:
    """The feeding end. Its publishers may be used from a thread each, the rest from any.

    It begins with what the process before it made known, and holds `last_known` up to date.
    """

    def __init__(self, readers: Sequence[socket.socket], last_known: LastKnown | None = None) -> None:
        self.usage = VerdictUsage()
        self._readers = readers
        self._last_known = last_known
        self._behind: set[socket.socket] = set()
        self._edges: dict[str, Known] = {} if last_known is None else last_known.kept()
        self._lock = threading.Lock()
        self._generation = time.monotonic_ns()  # greater than any of a process before this one

    def publisher(self, edge: str) -> "FeedPublisher":
        return FeedPublisher(self, edge)

    def edges(self, names: Collection[str]) -> None:
        """There are these from now on, and no others."""
        self.usage.edges(names)
        with self._lock:
            for name in set(self._edges).difference(names):
                _forget(self._edges.pop(name).memory)
            for name in names:
                self._edges.setdefault(name, Known())
            self._tell({"edges": list(self._edges)})
            self._keep()

    def kept(self, edge: str) -> Kept | None:
        """What the process before this one knew of an edge; None where that was nothing."""
        with self._lock:
            known = self._edges.get(edge)
            standing = None if known is None else known.standing
        if standing is None or (standing["fresh_at"] is None and not standing["decisions"]):
            return None
        return Kept(standing["fresh_at"], standing["decisions"])

    def hear(self, reader: socket.socket) -> None:
        """A reader said something: that it has just begun, and knows nothing; or what was answered.

        Takes in no more than some packets: a reader that never ceases keeps nobody from the others.
        """
        with suppress(OSError):
            for _ in range(_HEARD_AT_ONCE):
                packet = reader.recv(LARGEST_PACKET, socket.MSG_DONTWAIT)
                if packet[:1] == NUMBERS:
                    self.usage.take(packet[1:])
                elif packet == _HELLO:
                    with self._lock:
                        self._behind.add(reader)
        self.catch_up()

    def catch_up(self) -> None:
        """Tells everything to those who missed something; to be called now and then."""
        with self._lock:
            for reader in list(self._behind):
                self._behind.discard(reader)
                self._tell_everything(reader)

    def table(self, edge: str, packed: bytes) -> None:
        with self._lock:
            known = self._edges.get(edge)
            if known is None:
                return
            memory = sealed_memory(packed)
            _forget(known.memory)
            self._generation += 1
            known.generation, known.memory, known.changes = self._generation, memory, {}
            self._tell({"edge": edge, "table": known.generation}, memory)

    def changes(self, edge: str, changes: Sequence[Placed]) -> None:
        with self._lock:
            known = self._edges.get(edge)
            if known is None:
                return
            known.changes |= {each[:3]: each for each in changes}
            self._tell(_changes(edge, known.generation, changes))

    def stands(self, edge: str, standing: Message) -> None:
        with self._lock:
            known = self._edges.get(edge)
            if known is not None:
                known.standing = standing
                self._tell({"edge": edge, "standing": standing})
                self._keep()

    def health(self, edge: str, health: Subsystem) -> None:
        """Tells how a bouncer is, where that is not what it said last of itself."""
        with self._lock:
            known = self._edges.get(edge)
            if known is None or known.standing is None:
                return
            if (known.standing["state"], known.standing["error"]) != (health.state, health.error):
                known.standing = {**known.standing, "state": health.state, "error": health.error}
                self._tell({"edge": edge, "standing": known.standing})

    def _tell(self, message: Message, memory: int | None = None) -> None:
        packet = json.dumps(message).encode()
        for reader in self._readers:
            if reader not in self._behind and not _sent(reader, packet, memory):
                self._behind.add(reader)

    def _keep(self) -> None:
        if self._last_known is not None:
            self._last_known.keep(self._edges)

    def _tell_everything(self, reader: socket.socket) -> None:
        messages: list[tuple[Message, int | None]] = [({"edges": list(self._edges)}, None)]
        for edge, known in self._edges.items():
            if known.memory is not None:
                messages.append(({"edge": edge, "table": known.generation}, known.memory))
            if known.changes:
                messages.append((_changes(edge, known.generation, known.changes.values()), None))
            if known.standing is not None:
                messages.append(({"edge": edge, "standing": known.standing}, None))
        messages.append(({"everything": True}, None))
        if not all(_sent(reader, json.dumps(message).encode(), memory) for message, memory in messages):
            self._behind.add(reader)


@dataclass(frozen=True, slots=True)
class FeedPublisher:
    """A `ports.verdict.Publisher` for one edge."""

    feed: Feed
    edge: str

    def kept(self) -> Kept | None:
        return self.feed.kept(self.edge)

    def table(self, packed: bytes) -> None:
        self.feed.table(self.edge, packed)

    def changes(self, changes: Sequence[Placed]) -> None:
        self.feed.changes(self.edge, changes)

    def stands(self, standing: Standing) -> None:
        health = standing.health
        self.feed.stands(
            self.edge,
            {
                "fresh_at": standing.fresh_at,
                "away_after": standing.away_after,
                "closed": standing.closed,
                "decisions": standing.decisions,
                "state": health.state,
                "last_run": _iso(health.last_run),
                "last_success": _iso(health.last_success),
                "error": health.error,
                "detail": health.detail,
            },
        )


class FedBouncer:
    """The verdicts of one edge, as far as they were made known. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._table = DecisionTable()
        self._generation = 0
        self._standing: Message = {}
        self._fresh_until = -math.inf

    @property
    def decisions(self) -> int:
        return int(self._standing.get("decisions", 0))

    def verdict(self, address: str) -> Verdict:
        """Answers from memory, in microseconds. ValueError when `address` is none."""
        now = self._clock()
        found = self._table.find(packed_address(address), now)
        return verdict_of(found, now, self._fresh_until, closed=self._standing.get("closed", True))

    def health(self) -> Subsystem:
        told = self._standing
        if not told:
            return Subsystem("", "waiting", detail="its process has not said anything yet")
        stale = self._clock() >= self._fresh_until
        return Subsystem(
            name="",
            state="failing" if stale else told["state"],
            last_run=_moment(told["last_run"]),
            last_success=_moment(told["last_success"]),
            error=told["error"],
            detail=told["detail"],
        )

    def take(self, message: Message, memory: int | None) -> None:
        if "standing" in message:
            self._standing = message["standing"]
            fresh_at = self._standing["fresh_at"]
            self._fresh_until = -math.inf if fresh_at is None else fresh_at + self._standing["away_after"]
        elif memory is not None:
            self._table, self._generation = DecisionTable(mapped(memory)), message["table"]
        elif message.get("generation") == self._generation:
            self._table.change(decode_changes(message["changes"]))


class FedBouncers:
    """The fed end: the bouncers of all edges by name. For one thread."""

    def __init__(self, feed: socket.socket, clock: Callable[[], float] = time.monotonic) -> None:
        self._feed = feed
        self._clock = clock
        self._open: dict[str, FedBouncer] = {}
        self.version = 0
        """Another number whenever a verdict may have become another one."""
        self.heard_everything = False
        """Until then nobody can tell of any address whether it is banned."""
        self._missed = False

    def hello(self) -> None:
        """Asks to be told everything."""
        with suppress(OSError):
            self._feed.send(_HELLO, socket.MSG_DONTWAIT)

    def count(self, counts: Counts) -> bool:
        """Tells the process of the bouncers what was answered; False while it has no room."""
        try:
            self._feed.send(NUMBERS + encode_counts(counts), socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def take(self) -> None:
        """Takes in whatever has been said. Where the agent was killed there is nothing more."""
        with suppress(BlockingIOError, ConnectionResetError):
            while self._take_one():
                continue

    def of_edge(self, name: str) -> FedBouncer | None:
        return self._open.get(name)

    def only(self) -> tuple[str, FedBouncer] | None:
        return next(iter(self._open.items())) if len(self._open) == 1 else None

    def all(self) -> Mapping[str, FedBouncer]:
        return self._open

    def health(self) -> list[Subsystem]:
        """One for each edge, named `bouncer/<edge>`."""
        return [
            Subsystem(
                f"bouncer/{name}", each.state, each.last_run, each.last_success, each.error, None, each.detail
            )
            for name, each in ((name, bouncer.health()) for name, bouncer in self._open.items())
        ]

    def _take_one(self) -> bool:
        packet, memories, _, _ = socket.recv_fds(self._feed, LARGEST_PACKET, 1, socket.MSG_DONTWAIT)
        try:
            if packet == _IN_MEMORY:
                self._understand_memory(memories)
            elif packet:
                self._understand(json.loads(packet), memories[0] if memories else None)
        except OSError:
            self._ask_again()  # a mapping takes a descriptor too
        finally:
            for memory in memories:
                os.close(memory)
        return bool(packet)

    def _understand_memory(self, memories: Sequence[int]) -> None:
        if not memories:
            self._ask_again()
            return
        with mapped(memories[0]) as view:
            self._understand(json.loads(bytes(view)), None)

    def _understand(self, message: Message, memory: int | None) -> None:
        self.version += 1
        if "edges" in message:
            self._open = {name: self._open.get(name) or FedBouncer(self._clock) for name in message["edges"]}
        elif "everything" in message:
            self.heard_everything = self.heard_everything or not self._missed
            self._missed = False
        elif "table" in message and memory is None:
            self._ask_again()
        elif message["edge"] in self._open:
            self._open[message["edge"]].take(message, memory)

    def _ask_again(self) -> None:
        """For everything: there was no descriptor left to take something with."""
        self._missed = True
        self.hello()


def _changes(edge: str, generation: int, changes: Iterable[Placed]) -> Message:
    return {"edge": edge, "generation": generation, "changes": encode_changes(changes)}


def _sent(reader: socket.socket, packet: bytes, memory: int | None) -> bool:
    try:
        if len(packet) > _LARGEST_SENT:
            return _sent_in_memory(reader, packet)
        if memory is None:
            reader.send(packet, socket.MSG_DONTWAIT)
        else:
            socket.send_fds(reader, [packet], [memory], socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def _sent_in_memory(reader: socket.socket, packet: bytes) -> bool:
    holder = sealed_memory(packet)
    try:
        return _sent(reader, _IN_MEMORY, holder)
    finally:
        os.close(holder)


def _forget(memory: int | None) -> None:
    if memory is not None:
        os.close(memory)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
