"""How often one address may ask, in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from argos_gitops.web.answers import RefusalError

_MOST_ADDRESSES = 10_000


class RateLimit:
    """So many requests at once, and one more each `seconds`; of the addresses, the latest are remembered.

    The arithmetic is the generic cell rate algorithm's: one moment an address, no timers, no queues.
    """

    def __init__(self, burst: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._slack = (burst - 1) * seconds
        self._seconds = seconds
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until `address` may ask again; 0 when it may now. Counts nothing."""
        return max(0.0, self._full_at.get(address, 0.0) - self._slack - self._clock())

    def count(self, address: str) -> None:
        """Counts one request of `address`, and forgets whoever has not asked for longest."""
        self._full_at[address] = max(self._full_at.get(address, 0.0), self._clock()) + self._seconds
        self._full_at.move_to_end(address)
        if len(self._full_at) > _MOST_ADDRESSES:
            self._full_at.popitem(last=False)

    def check(self, address: str) -> None:
        """Refuses with 429 while `address` has to wait."""
        wait = self.wait(address)
        if wait > 0:
            message = "too many requests from this address; try again later"
            raise RefusalError(429, "TooManyRequests", message, {"Retry-After": str(ceil(wait))})
