"""Whether an address may pass. Imports nothing, as processes that do little else want to stay small."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Remedy(StrEnum):
    ALLOW = "allow"
    BAN = "ban"
    CAPTCHA = "captcha"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`origin` and `scope` tell which decision it was (`argos`, `203.0.113.0/24`); empty when allowed.

    `certain` is False where the answer follows the choice of failing open or closed, because nobody
    could be asked for too long. `until` is the moment of the monotonic clock up to which it holds, as long
    as no decision comes or goes; 0 where it has to be found anew each time.
    """

    remedy: Remedy
    origin: str = ""
    scope: str = ""
    certain: bool = True
    until: float = field(default=0.0, compare=False)


class Counted(NamedTuple):
    """Under what an answer is counted.

    `word` is a remedy, or `unknown-allowed` or `unknown-refused` where nobody could tell. `origin` is that of
    the decision, empty where there was none; `family` is `ipv4` or `ipv6`.
    """

    edge: str
    word: str
    origin: str
    family: str
