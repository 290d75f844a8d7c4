"""How long to wait before the next attempt, and when to give up. Pure, but for the dice."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from argos_gitops.model.errors import ArgosError, TerminalError, TransientError
from argos_gitops.ports.outbox import Bundle
from argos_gitops.supervision.backoff import doubled


@dataclass(frozen=True, slots=True)
class Patience:
    """`first` is the pause after the first failure; it doubles up to `longest`, and is shortened by up to
    a half, so that those who failed together do not come back together.

    What does not answer, is busy, or misses a secret is tried for `unreachable`; what answers with a
    failure of its own only for `failing`, as it might not be able to take this very message.
    """

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=15)
    unreachable: timedelta = timedelta(hours=24)
    failing: timedelta = timedelta(hours=1)

    def pause(
        self, bundle: Bundle, error: ArgosError, dice: Callable[[], float] = random.random
    ) -> timedelta | None:
        """After the failure of an attempt; None when there is to be no other."""
        if isinstance(error, TerminalError):
            return None
        pause = doubled(self.first, bundle.attempts, self.longest)
        pause *= 1 - dice() / 2
        asked = error.retry_after if isinstance(error, TransientError) else None
        if asked is not None:
            pause = max(pause, asked)
        limit = self.failing if error.reason == "ChannelFailing" else self.unreachable
        return pause if bundle.age + pause <= limit else None
