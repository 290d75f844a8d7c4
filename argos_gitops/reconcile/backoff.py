"""How long to wait after a failure. Pure but for the dice."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass
class Backoff:
    """Doubles from `first` up to `longest`; a success, or something new to try, begins it anew."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    failures: int = 0

    def failed(self) -> timedelta:
        """Counts one more failure; the pause before the next try, spread by a tenth."""
        pause: timedelta = min(self.first * 2 ** min(self.failures, 20), self.longest)
        self.failures += 1
        return pause * random.uniform(0.9, 1.1)  # noqa: S311 - spreads those who failed together

    def reset(self) -> None:
        self.failures = 0
