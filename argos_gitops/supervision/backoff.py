"""How long to wait after a failure. Pure but for the dice."""

import random
from dataclasses import dataclass
from datetime import timedelta

_MOST_DOUBLINGS = 30


def doubled(first: timedelta, failures: int, longest: timedelta) -> timedelta:
    """`first` doubled `failures` times, at most `longest`; safe for any number of failures.

    The number of doublings is bounded before anything is multiplied: `seconds * 2**failures` overflows a
    float at 1,024 failures, and a timedelta long before.
    """
    doublings = min(max(0, failures), _MOST_DOUBLINGS)
    seconds = first.total_seconds() * (1 << doublings)
    return min(timedelta(seconds=seconds), longest)


@dataclass
class Backoff:
    """Doubles from `first` up to `longest`; a success, or something new to try, begins it anew."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    failures: int = 0

    def failed(self) -> timedelta:
        """Counts one more failure; the pause before the next try, spread by a tenth."""
        pause = doubled(self.first, self.failures, self.longest)
        self.failures += 1
        return pause * random.uniform(0.9, 1.1)  # noqa: S311 - spreads those who failed together

    def reset(self) -> None:
        self.failures = 0
