"""How the targets of one instance spread over its replicas."""

from collections.abc import Collection
from typing import Protocol


class Leases(Protocol):
    """The share of one replica. Times are those of the database, never of a machine.

    A share says who works on a target; what keeps two from writing to it at once is its lock.
    """

    def share(self, targets: Collection[str]) -> frozenset[str]:
        """Renews what we have, takes what is free or ran out, and gives up what is too much.

        To be called every few seconds; gives back the targets that are ours until the next call.
        Raises StoreError; `held` tells what is still ours then.
        """
        ...

    def held(self) -> frozenset[str]:
        """What is surely still ours, without I/O: nothing, once no `share` succeeded for a whole term."""
        ...

    def release(self) -> None:
        """Gives up everything, so that others need not wait for it to run out."""
        ...
