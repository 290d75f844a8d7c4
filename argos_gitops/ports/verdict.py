"""Whether an address may pass: what forward-auth asks, and a bouncer answers from memory."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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
