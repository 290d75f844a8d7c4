"""Whether an address may pass: what forward-auth asks, and a bouncer answers from memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from argos_gitops.model.secret import SecretValue
from argos_gitops.model.verdict import Verdict
from argos_gitops.planning.decisions import Placed
from argos_gitops.ports.health import Subsystem

_KeyT = TypeVar("_KeyT")


class Verdicts(Protocol):
    """Of one edge."""

    def verdict(self, address: str) -> Verdict:
        """Answers from memory, in microseconds. ValueError when `address` is none."""
        ...


@dataclass(frozen=True, slots=True)
class BouncerConfig:
    """All that a bouncer of `provider` needs to know, as it travels from the agent to its front.

    `options` are the provider's own words. `key` is None where it could not be resolved; `problem` then
    says why.
    """

    provider: str
    options: Mapping[str, str] = field(default_factory=dict)
    key: SecretValue | None = None
    problem: str = ""
    secrets: Mapping[str, SecretValue] = field(default_factory=dict)
    """Further secrets by the provider's own words, such as the key of a client certificate."""


Labels = tuple[str, str, str]
"""Origin of a decision, remedy (`ban`, `captcha`), and `ipv4` or `ipv6`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a bouncer has done since it was opened, and what it knows now. Counts only ever grow, so whoever
    reports them tells differences; those of several processes may be added up."""

    processed: Mapping[str, int] = field(default_factory=dict)
    """Questions, by `ipv4` or `ipv6`."""
    dropped: Mapping[Labels, int] = field(default_factory=dict)
    active: Mapping[Labels, int] = field(default_factory=dict)
    """Decisions in memory."""

    def __add__(self, other: "Usage") -> "Usage":
        """Of both together."""
        return Usage(
            _added(self.processed, other.processed),
            _added(self.dropped, other.dropped),
            _added(self.active, other.active),
        )


def _added(some: Mapping[_KeyT, int], more: Mapping[_KeyT, int]) -> Mapping[_KeyT, int]:
    return {key: some.get(key, 0) + more.get(key, 0) for key in (*some, *more)}


class UsageSource(Protocol):
    """Where the counts of a bouncer come from, however many processes answer for it."""

    def usage(self) -> Usage: ...


class Bouncer(Verdicts, Protocol):
    """Keeps the decisions of one edge in memory, by a thread of its own."""

    def configure(self, config: BouncerConfig) -> None:
        """Goes on under another configuration; what is known stays in force until it is known anew."""
        ...

    def health(self) -> Subsystem:
        """`name` is empty: whoever asked knows the edge."""
        ...

    @property
    def decisions(self) -> int:
        """How many decisions are in memory."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How a bouncer is: `fresh_at` is when it last heard what it mirrors, by the monotonic clock.

    Older than `away_after` seconds, nobody can tell any more of an address without a decision whether it is
    banned: it is refused if the edge fails `closed`, else let in.
    """

    fresh_at: float | None
    away_after: float
    closed: bool
    decisions: int
    health: Subsystem


class Publisher(Protocol):
    """Where a bouncer makes known what it has decided, for the processes that answer. For one thread."""

    def table(self, packed: bytes) -> None:
        """All decisions, as `planning.decisions.pack` writes them; takes the place of all before."""
        ...

    def changes(self, changes: Sequence[Placed]) -> None:
        """What now holds for some prefixes of the table that was made known last."""
        ...

    def stands(self, standing: Standing) -> None: ...
