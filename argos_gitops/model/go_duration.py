"""Durations as Go's `time.Duration` prints and `time.ParseDuration` reads them. Pure.

Grammar (Go 1.25, time/format.go): an optional sign, then `0` or one or more decimal numbers, each with an
optional fraction and a unit: `1h2m3.5s`, `-713.297727ms`, `.5s`, `1.us`.
"""

import re
from typing import Final

_MICROSECOND = 1_000
_UNITS: Final = {
    "ns": 1,
    "us": _MICROSECOND,
    "\N{MICRO SIGN}s": _MICROSECOND,
    "\N{GREEK SMALL LETTER MU}s": _MICROSECOND,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_UNIT = "(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + ")"
_PART = re.compile(rf"(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+)){_UNIT}", re.ASCII)
_LARGEST = 2**63
_MOST_CHARACTERS = 128


def nanoseconds_of(text: object) -> int:
    """The duration in nanoseconds, with what is below one cut off; ValueError when it is none.

    As in Go the whole must fit into 64 bits, some 292 years.
    """
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        raise ValueError("expected a duration such as 1h2m3.5s or -713.297727ms")
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total, at = 0, 0
    while found := _PART.match(rest, at):
        whole, fraction, alone, unit = found.groups()
        fraction = alone or fraction or ""
        size = _UNITS[unit]
        total += int(whole or 0) * size + int(fraction or 0) * size // 10 ** len(fraction)
        at = found.end()
    if not rest or at != len(rest):
        raise ValueError(f"{text!r} is no duration such as 1h2m3.5s or -713.297727ms")
    signed = -total if text[0] == "-" else total
    if not -_LARGEST <= signed < _LARGEST:
        raise ValueError(f"{text!r} is longer than 292 years")
    return signed


def seconds_of(text: object) -> float:
    """The same in seconds."""
    return nanoseconds_of(text) / 1e9
