"""Whether an address may pass: what forward-auth asks, and a bouncer answers from memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.health import Subsystem


class Remedy(StrEnum):
    ALLOW = "allow"
    BAN = "ban"
    CAPTCHA = "captcha"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`origin` and `scope` tell which decision it was (`argos`, `203.0.113.0/24`); empty when allowed.

    `certain` is False where the answer follows the choice of failing open or closed, because nobody
    could be asked for too long.
    """

    remedy: Remedy
    origin: str = ""
    scope: str = ""
    certain: bool = True


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
