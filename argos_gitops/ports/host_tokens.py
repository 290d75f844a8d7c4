"""The tokens of the push agents: each is bound to one host, and kept as a hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HostToken:
    """One token, without what it is; it holds until `expires_at`, or until somebody revokes it."""

    host_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class HostTokens(Protocol):
    """Of one instance; `digest` is the SHA-256 of a token, in hex. Raises StoreError.

    A host that ever had a token is bound: no shared token speaks for it, also once all of its own are
    revoked, until it is forgotten.
    """

    def add(self, digest: str, token: HostToken) -> None:
        """Those of the same host that no longer hold are dropped."""
        ...

    def end(self, host_id: str, at: datetime) -> int:
        """All tokens of a host hold until `at` at most; how many would have held longer."""
        ...

    def forget(self, host_id: str) -> None: ...

    def host_of(self, digest: str, now: datetime) -> str | None:
        """The host that a token speaks for; None for one that is unknown, or holds no longer."""
        ...

    def is_bound(self, host_id: str) -> bool: ...

    def exist(self) -> bool:
        """Whether there are any, of whatever host."""
        ...

    def all(self) -> Sequence[HostToken]:
        """By host, the newest of each first; also those that hold no longer."""
        ...
