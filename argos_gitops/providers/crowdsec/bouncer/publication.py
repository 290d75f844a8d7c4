"""Making known what the index holds, to the processes that answer: a few changes, or everything anew."""

import time
from collections.abc import Callable

from argos_gitops.ports.verdict import Publisher
from argos_gitops.providers.crowdsec.bouncer.index import MOST_CHANGES, DecisionIndex

_SOONEST_SECONDS = 0.25
_SHARE = 4
"""A look that takes long makes known meanwhile what it found, and spends a fifth of its time on that."""


class Publication:
    """What was made known of one index. For the thread that writes the index."""

    def __init__(
        self, index: DecisionIndex, publisher: Publisher, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._index = index
        self._publisher = publisher
        self._clock = clock
        self._beside = 0
        self._owed = False
        self._held = False
        self._next = 0.0

    def hold(self) -> None:
        """Makes nothing known until `release`: more is known already than the index holds."""
        self._held = True

    def release(self) -> None:
        self._held = False

    def meanwhile(self) -> None:
        """For the middle of a look, as often as you like."""
        if self._clock() >= self._next:
            self.publish()

    def publish(self) -> None:
        """Makes known what has changed; nothing where nothing has. After a failure all is told anew."""
        if self._held:
            return
        begun = self._clock()
        changes = None if self._owed else self._index.take_changes()
        self._owed = True
        if changes is None or self._beside + len(changes) > MOST_CHANGES:
            self._publisher.table(self._index.pack())
            self._beside = 0
        elif changes:
            self._publisher.changes(changes)
            self._beside += len(changes)
        self._owed = False
        now = self._clock()
        self._next = now + max(_SOONEST_SECONDS, _SHARE * (now - begun))
