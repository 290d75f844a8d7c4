"""Regular expressions as Caddy understands them, which are Go's (RE2): what can be told without Go."""

import re

_MOST_REPEATS = 1000
_TAKEN_LITERALLY = re.compile(
    r"\\[^A-Za-z0-9]|\\Q.*?(?:\\E|$)|\[\^?+\]?+(?:\[:\^?+[a-z]++:\]|\\.|[^\]\\])*+(?P<end>\]|\\?\Z)",
    re.DOTALL,
)
"""Escaped signs, quoted text and character classes: what stands there has no meaning of its own."""
_NOT_IN_GO = (
    (re.compile(r"\(\?(?:=|!|<=|<!)"), "looking ahead or behind, `(?=…)` and its like"),
    (re.compile(r"\(\?>|[*+?}]\+"), "possessive matching"),
    (re.compile(r"\\[1-9]|\(\?P=|\\k<"), "references back to what was matched"),
    (re.compile(r"\(\?[#(]"), "conditions and comments"),
    (re.compile(r"\\[ZGRX]"), "`\\Z`, `\\G`, `\\R` and `\\X`"),
)
_REPEATS = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_BROKEN = ("missing )", "unbalanced parenthesis", "unterminated", "nothing to repeat", "bad escape (end")


def check_regexp(pattern: str) -> str:
    """The pattern itself; ValueError where Caddy is known to refuse it.

    Go reads some forms that Python does not, so what Python alone finds strange is left to Caddy.
    """
    plain = _TAKEN_LITERALLY.sub(_without_meaning, pattern)
    _check_form(plain)
    for found, what in _NOT_IN_GO:
        if found.search(plain):
            raise ValueError(f"Go's regular expressions, which Caddy uses, have no {what}")
    for least, most in _REPEATS.findall(plain):
        if max(int(least), int(most or 0)) > _MOST_REPEATS:
            raise ValueError(f"Go's regular expressions repeat something at most {_MOST_REPEATS} times")
    return pattern


def _without_meaning(match: re.Match[str]) -> str:
    """A class that does not end keeps its beginning, which is refused as such."""
    return "x" if match["end"] in (None, "]") else "["


def _check_form(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        if error.msg.startswith(_BROKEN):
            raise ValueError(f"this is no regular expression: {error.msg}") from None
    except (OverflowError, RecursionError):
        raise ValueError("this regular expression is too large") from None
