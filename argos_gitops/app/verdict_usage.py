"""What was answered for each edge, added up in the process of its bouncer, which reports it to LAPI."""

import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from argos_gitops.model.verdict import Counted, Remedy
from argos_gitops.ports.verdict import Labels, Usage, UsageSource
from argos_gitops.web.counts import OTHER, decode_counts

_FAMILIES = frozenset({"ipv4", "ipv6"})
_DROPPED = frozenset({Remedy.BAN, Remedy.CAPTCHA})
_MOST_LABELS = 1000
"""Of one edge. Further origins are added up as `other`."""


class VerdictUsage:
    """By edge. One thread takes in, any may read."""

    def __init__(self) -> None:
        self._edges: dict[str, _Counts] = {}
        self._lock = threading.Lock()

    def edges(self, names: Collection[str]) -> None:
        """There are these from now on, and no others; one that comes back begins at zero."""
        with self._lock:
            self._edges = {name: self._edges.get(name) or _Counts() for name in names}

    def take(self, packet: bytes) -> None:
        """Adds what another process answered.

        That process talks to strangers: what is none of its words is passed over, and ends nobody.
        """
        try:
            counts = decode_counts(packet)
        except (ValueError, RecursionError):
            return
        with self._lock:
            for counted, number in counts.items():
                edge = self._edges.get(counted.edge)
                if edge is not None and counted.family in _FAMILIES:
                    edge.add(counted, number)

    def of_edge(self, name: str) -> UsageSource:
        """Its counts only ever grow: also once there is no such edge any more."""
        with self._lock:
            return _OfEdge(self._edges.get(name) or _Counts(), self._lock)


@dataclass(frozen=True, slots=True)
class _OfEdge:
    counts: "_Counts"
    lock: threading.Lock

    def usage(self) -> Usage:
        with self.lock:
            return Usage(self.counts.processed.copy(), self.counts.dropped.copy())


@dataclass
class _Counts:
    processed: Counter[str] = field(default_factory=Counter)
    dropped: Counter[Labels] = field(default_factory=Counter)

    def add(self, counted: Counted, number: int) -> None:
        """An answer that nobody could give for sure counts as processed alone: no decision dropped it."""
        self.processed[counted.family] += number
        if counted.word not in _DROPPED:
            return
        labels = (counted.origin, counted.word, counted.family)
        if labels not in self.dropped and len(self.dropped) >= _MOST_LABELS:
            labels = (OTHER, counted.word, counted.family)
        self.dropped[labels] += number
