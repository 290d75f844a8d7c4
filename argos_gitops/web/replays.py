"""Which deliveries came before, in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic

_LIFETIME_SECONDS = 24 * 3600.0
_MOST = 20_000


class Replays:
    """Remembers genuine deliveries for a day, the newest 20,000 of them.

    It may be lost with the process: then a replay costs one look more, and a look does no harm.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def came_before(self, sender: str, identity: bytes) -> bool:
        """Whether this delivery was seen within the last day; from now on it was."""
        key = blake2b(identity, digest_size=16, person=sender.encode()[:16]).digest()
        now = self._clock()
        self._forget(now)
        known = key in self._seen
        self._seen.setdefault(key, now)
        return known

    def _forget(self, now: float) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) < self._most and now - self._seen[oldest] < _LIFETIME_SECONDS:
                return
            del self._seen[oldest]
