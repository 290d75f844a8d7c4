"""Answers that were counted, on their way from the process that gave them to those that show the numbers.

Each count is sent once: what a socket has taken is forgotten here. What found no room is sent with what comes
next. A socket keeps what it has taken when the process at its other end is started again, so a count is shown
once or, where a process is killed that holds it, never; it is never shown twice. Imports little.
"""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from argos_gitops.model.verdict import Counted

MOST_KEPT = 500
OTHER = "other"
"""The origin under which answers are counted while more than `MOST_KEPT` different ones wait to be sent."""
_MOST_SENT = 50
"""At once: fits a packet of 64 KiB, however long the origins are."""

Counts = Mapping[Counted, int]


class VerdictCounts:
    """Counts that wait to be sent. For one thread. Costs one increment for each answer."""

    def __init__(self) -> None:
        self._counts: dict[Counted, int] = {}

    def add(self, counted: Counted, number: int = 1) -> None:
        known = self._counts.get(counted)
        if known is None and len(self._counts) >= MOST_KEPT and counted.origin:
            counted = counted._replace(origin=OTHER)
            known = self._counts.get(counted)
        self._counts[counted] = number if known is None else known + number

    def send(self, taken: Callable[[Counts], bool]) -> None:
        """Sends some at a time, until nothing is left or `taken` says False."""
        while self._counts:
            some = dict(islice(self._counts.items(), _MOST_SENT))
            if not taken(some):
                return
            for counted in some:
                del self._counts[counted]


def encode_counts(counts: Counts) -> bytes:
    return json.dumps([[*counted, number] for counted, number in counts.items()]).encode()


def decode_counts(data: bytes) -> dict[Counted, int]:
    """ValueError when it is nothing that `encode_counts` wrote."""
    rows: Any = json.loads(data)
    if not isinstance(rows, list):
        raise ValueError("counts are a list")
    counts: dict[Counted, int] = {}
    for row in rows:
        *words, number = row if isinstance(row, list) and len(row) == len(Counted._fields) + 1 else [None]
        if not all(isinstance(word, str) for word in words) or type(number) is not int or number <= 0:
            raise ValueError("a count is four texts and a number above zero")
        counts[Counted(*words)] = number
    return counts
