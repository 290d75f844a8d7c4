"""What one LAPI has decided, kept in memory.

Changes alone would not do: LAPI never tells of rows that its flush took, tells a change once even if the
answer is lost, and may leave out rows that were being stored while it answered. So everything is read again
every ten minutes, after every failure, and soon after many rows came at once. It is read into the index in
use: what stands stays in force throughout, and only at the end what was not seen goes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from argos_gitops.providers.crowdsec.bouncer.index import Decision, DecisionIndex
from argos_gitops.providers.crowdsec.bouncer.stream import Row

_EVERYTHING_SECONDS = 600.0
_SOON_SECONDS = 15.0
_MANY = 500
_OFTEN = 200


class Stream(Protocol):
    """Where rows come from; `DecisionStream` is one."""

    def rows(self, *, everything: bool) -> AbstractContextManager[Iterator[Row]]: ...


class Mirror:
    """The decisions of a LAPI, and when it last told them (`fresh_at`, by `clock`; None before)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.index = DecisionIndex()
        self.fresh_at: float | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        """Called now and then in the middle of a long look."""
        self._clock = clock
        self._everything_at = 0.0

    def distrust(self) -> None:
        """The next look reads everything: something may have been missed."""
        self._everything_at = 0.0

    def look(self, stream: Stream) -> None:
        """Reads what is new, or everything. After a ProviderError what was known stays."""
        begun, due = self._clock(), self._everything_at
        self.distrust()  # until this look has ended well
        if begun >= due:
            self._read_everything(stream)
            due = begun + _EVERYTHING_SECONDS
        elif self._read_changes(stream) >= _MANY:
            due = min(due, begun + _SOON_SECONDS)
        self.fresh_at, self._everything_at = begun, due

    def _read_everything(self, stream: Stream) -> None:
        """Rows that are told as deleted were in force once, at any time; they are passed over."""
        self.index.begin()
        with stream.rows(everything=True) as rows:
            for count, (in_force, decision) in enumerate(rows):
                if not count % _OFTEN:
                    self.meanwhile()
                if in_force:
                    self._take(decision, in_force=True)
        self.index.sweep()

    def _read_changes(self, stream: Stream) -> int:
        """How many rows there were."""
        count = 0
        with stream.rows(everything=False) as rows:
            for count, (in_force, decision) in enumerate(rows, 1):  # noqa: B007 # the last one is the number
                self._take(decision, in_force=in_force)
        return count

    def _take(self, decision: Decision, *, in_force: bool) -> None:
        """A value that is no address belongs to a scope of somebody's own, which no bouncer can enforce."""
        try:
            if in_force:
                self.index.add(decision)
            else:
                self.index.remove(decision.id, decision.value)
        except ValueError:
            return
