"""Lines of styled segments, and how foreign text becomes safe to print in one of them."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

MAX_VALUE = 60
"""Characters of a value that people get to see where there are two."""

_CONTEXT = 12
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


_CALLS = re.compile(
    r"(?<!\w)@(?=\w)"  # a mention
    r"|#(?=\d)|\bGH-(?=\d)|(?<!\w)[!&$%~](?=\d)"  # issues, merge requests and what else GitLab numbers
    r"|<(?=[!@#])",  # Slack's and Discord's own
    re.IGNORECASE,
)


class Style(StrEnum):
    """What a segment means; the command line decides how that looks."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    DRIFT = "drift"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Segment(NamedTuple):
    text: str
    style: Style = Style.PLAIN


Line = tuple[Segment, ...]


def line(*segments: Segment | str) -> Line:
    return tuple(Segment(part) if isinstance(part, str) else part for part in segments)


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles, each ended by a newline."""
    return "".join("".join(segment.text for segment in one).rstrip() + "\n" for one in lines)


def visible(text: str) -> str:
    """One line that shows what would not show or would move the cursor: `\\n`, `\\x1b`, `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def inert(text: str) -> str:
    """One visible line that makes no forge or chat do anything: it calls nobody, and refers to nothing.

    For text of strangers in commit messages, titles, commit statuses and notifications, none of which has an
    escape. `@alice` becomes `@ alice`, `#12` and `!12` get a space too, as `<!channel>` does.
    """
    return _CALLS.sub(lambda found: f"{found[0]} ", visible(text))


def shorten(text: str, limit: int = MAX_VALUE) -> str:
    """Visible, and at most `limit` characters long."""
    shown = visible(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def shorten_pair(one: str, other: str, limit: int = MAX_VALUE) -> tuple[str, str]:
    """Both shortened, so that where they first differ is among what is left."""
    one, other = visible(one), visible(other)
    if max(len(one), len(other)) <= limit:
        return one, other
    start = max(_common_prefix(one, other) - _CONTEXT, 0)
    lead = "…" if start > 1 else ""
    cut = start if lead else 0
    return shorten(lead + one[cut:], limit), shorten(lead + other[cut:], limit)


def pad(text: str, width: int) -> str:
    """Padded to `width` columns of a terminal, and by at least two."""
    return text + " " * max(width - columns(text), 2)


def columns(text: str) -> int:
    """How wide a terminal shows `text`: East Asian characters take two columns, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in one unit: `5 min ago`."""
    seconds = int((now - then).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def time_of_day(then: datetime, now: datetime) -> str:
    """The hour and minute in the zone of `now`, with the date unless it is today's."""
    local = then.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def _escape(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _common_prefix(one: str, other: str) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
