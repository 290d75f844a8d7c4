"""What was made known of the bouncers, for the process that takes the place of one that was killed.

It lies in a socket whose ends both belong to the agent: what was sent into it stays there when the sender
ends. One packet holds everything: a message and all tables, as descriptors of memory. A new packet is sent
before the old one is taken out, so there is a whole one at whatever moment the sender is killed.
"""

import fcntl
import json
import mmap
import os
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import Held, Placed

Message = Mapping[str, Any]

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_MOST_TABLES = 252
"""Besides the message: the kernel passes 253 descriptors at once. Further edges are not kept."""
_LONGEST_NAME = 64


@dataclass
class Known:
    """What was made known of one edge; `memory` holds the table."""

    generation: int = 0
    memory: int | None = None
    changes: dict[tuple[int, int, int], Placed] = field(default_factory=dict)
    standing: Message | None = None


class LastKnown:
    """Both ends of such a socket. For one thread at a time."""

    def __init__(self, sending: socket.socket, taking: socket.socket) -> None:
        self._sending = sending
        self._taking = taking

    def keep(self, edges: Mapping[str, Known]) -> None:
        """In the place of what was kept. Where that cannot be done now, the old stays."""
        name = str(time.monotonic_ns()).encode()
        tables = [known.memory for known in edges.values() if known.memory is not None][:_MOST_TABLES]
        message = [_message(name, known) for name, known in edges.items() if known.memory in tables]
        with suppress(OSError):
            holder = sealed_memory(json.dumps(message).encode())
            try:
                socket.send_fds(self._sending, [name], [holder, *tables], socket.MSG_DONTWAIT)
            finally:
                os.close(holder)
            while self._taking.recv(_LONGEST_NAME, socket.MSG_PEEK | socket.MSG_DONTWAIT) != name:
                self._taking.recv(_LONGEST_NAME, socket.MSG_DONTWAIT)

    def kept(self) -> dict[str, Known]:
        """By edge; nothing where nothing was kept. It goes on being kept."""
        flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
        try:
            _, memories, _, _ = socket.recv_fds(self._taking, _LONGEST_NAME, 1 + _MOST_TABLES, flags)
        except OSError:
            return {}
        if not memories:
            return {}
        holder, *tables = memories
        try:
            with mapped(holder) as view:
                message: list[Message] = json.loads(bytes(view))
        finally:
            os.close(holder)
        return {
            each["edge"]: Known(
                each["generation"], table, _placed_by_prefix(each["changes"]), each["standing"]
            )
            for each, table in zip(message, tables, strict=False)
        }


def _message(edge: str, known: Known) -> Message:
    return {
        "edge": edge,
        "generation": known.generation,
        "changes": encode_changes(known.changes.values()),
        "standing": known.standing,
    }


def _placed_by_prefix(rows: Iterable[Any]) -> dict[tuple[int, int, int], Placed]:
    return {each[:3]: each for each in decode_changes(rows)}


def encode_changes(changes: Iterable[Placed]) -> list[Any]:
    """As JSON can hold them. Numbers of 128 bits are text: not every JSON reader takes them."""
    return [[bits, length, str(key), held] for bits, length, key, held in changes]


def decode_changes(rows: Iterable[Any]) -> list[Placed]:
    return [
        Placed(bits, length, int(key), [Held(Remedy(each[0]), each[1], each[2]) for each in held])
        for bits, length, key, held in rows
    ]


def sealed_memory(packed: bytes) -> int:
    """A descriptor of memory that nobody can change or cut any more; a mapping of it cannot fail later."""
    memory = os.memfd_create("argos-decisions", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        rest = memoryview(packed)
        while rest:
            rest = rest[os.write(memory, rest) :]
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(memory)
        raise
    return memory


def mapped(memory: int) -> memoryview:
    return memoryview(mmap.mmap(memory, 0, prot=mmap.PROT_READ))
