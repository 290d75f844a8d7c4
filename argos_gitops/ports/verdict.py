"""What decides whether an address may pass: a bouncer keeps it, and makes it known to those who answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from argos_gitops.model.secret import SecretValue
from argos_gitops.planning.decisions import Placed
from argos_gitops.ports.health import Subsystem


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
    reports them tells differences."""

    processed: Mapping[str, int] = field(default_factory=dict)
    """Questions, by `ipv4` or `ipv6`."""
    dropped: Mapping[Labels, int] = field(default_factory=dict)
    active: Mapping[Labels, int] = field(default_factory=dict)
    """Decisions in memory."""


class UsageSource(Protocol):
    """Where the counts of a bouncer come from, however many processes answer for it."""

    def usage(self) -> Usage: ...


class Bouncer(Protocol):
    """Keeps the decisions of one edge in memory, by a thread of its own, and makes them known."""

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


@dataclass(frozen=True, slots=True)
class Kept:
    """What the process of a bouncer before this one made known; it is still answered by.

    `fresh_at` is as in a Standing; `decisions` is how many there were.
    """

    fresh_at: float | None
    decisions: int


class Publisher(Protocol):
    """Where a bouncer makes known what it has decided, for the processes that answer. For one thread."""

    def kept(self) -> Kept | None:
        """None where nothing was made known before."""
        ...

    def table(self, packed: bytes) -> None:
        """All decisions, as `planning.decisions.pack` writes them; takes the place of all before."""
        ...

    def changes(self, changes: Sequence[Placed]) -> None:
        """What now holds for some prefixes of the table that was made known last."""
        ...

    def stands(self, standing: Standing) -> None: ...
