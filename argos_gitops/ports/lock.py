"""One writer at a time."""

from contextlib import AbstractContextManager
from typing import Protocol


class Hold(Protocol):
    """A name that somebody holds."""

    @property
    def fence(self) -> int:
        """Grows with each holder of the name, so that a late write of an earlier one can be told."""
        ...

    def verify(self) -> None:
        """Returns while the name is surely still held; raises TransientError (reason LeaseLost) if not.

        Whoever writes asks before each write: it costs no I/O.
        """
        ...


class Locks(Protocol):
    def hold(self, name: str) -> AbstractContextManager[Hold]:
        """Holds `name` until the block ends or the process dies, or soon after that.

        Raises TransientError (reason Locked) naming the holder when another process has it.
        """
        ...
