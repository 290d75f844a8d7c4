"""One writer at a time."""

from contextlib import AbstractContextManager
from typing import Protocol


class Locks(Protocol):
    def hold(self, name: str) -> AbstractContextManager[None]:
        """Holds `name` until the block ends or the process dies, whichever comes first.

        Raises TransientError (reason Locked) naming the holder when another process has it.
        """
        ...
