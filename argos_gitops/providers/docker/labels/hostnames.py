"""The domains that a HostRegexp means, where it means some that Caddy can serve by name.

Certificates and routes need names. So a regular expression counts as far as it spells names out, with
groups and alternatives; their first label may be any name, which makes them a wildcard domain.
"""

import re
from itertools import product
from typing import NamedTuple

MAX_DOMAINS = 64
MAX_DEPTH = 20
_ANY_NAME = (r"[^.]+", r"[^\.]+", r"[a-z0-9-]+", r"[a-z0-9\-]+", r"[a-zA-Z0-9-]+", r"[a-zA-Z0-9\-]+")
_SOME_NAMES = (r"[a-z]+", r"[a-zA-Z]+", r"[0-9]+", r"[a-z0-9]+", r"[a-zA-Z0-9]+", r"\d+")
_TEMPLATE = re.compile(r"\{[^{}:]*(?::((?:[^{}]|\{[0-9,]+\})*))?\}")


class NotNamesError(ValueError):
    """A regular expression that names no domains that can be told."""


class Names(NamedTuple):
    """`condition` is what the Host header must match beside, where a wildcard says too much."""

    domains: tuple[str, ...]
    condition: str | None = None


def names_of(expression: str) -> Names:
    """What a HostRegexp of v3 matches. Raises NotNamesError."""
    body = expression.removeprefix("(?i)")
    if not (body.startswith("^") and body.endswith("$")):
        raise NotNamesError("begin it with ^ and end it with $, so that it names whole domains")
    return _names(body[1:-1])


def names_of_template(template: str) -> Names:
    """The same for v2, where `{name:regexp}` stands in a text that is otherwise taken as it is."""
    position, parts = 0, []
    for match in _TEMPLATE.finditer(template):
        parts += [_escaped(template[position : match.start()]), f"(?:{match[1] or '[^.]+'})"]
        position = match.end()
    return _names("".join([*parts, _escaped(template[position:])]))


def _escaped(text: str) -> str:
    return text.replace(".", "\\.")


def _names(expression: str) -> Names:
    spelling = _Spelling(expression)
    found = dict.fromkeys(name.lower() for name in spelling.all())
    if len(found) > MAX_DOMAINS:
        raise NotNamesError(f"it means more than {MAX_DOMAINS} domains")
    for name in found:
        if "*" in name and not (name.startswith("*.") and "*" not in name[1:]):
            raise NotNamesError("any name may stand for the first label alone, as in ^[^.]+\\.example\\.com$")
    return Names(tuple(found), f"(?i)^(?:{expression})(?::[0-9]+)?$" if spelling.narrow else None)


class _Spelling:
    """All texts of an expression made of plain text, groups, alternatives and `?`."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0
        self._depth = 0
        self.narrow = False
        """Whether a label is less than any name."""

    def all(self) -> list[str]:
        found = self._alternatives()
        if self._at < len(self._text):
            raise NotNamesError("a parenthesis closes that was not opened")
        return found

    def _alternatives(self) -> list[str]:
        found = self._sequence()
        while self._took("|"):
            found = [*found, *self._sequence()]
        return found

    def _sequence(self) -> list[str]:
        parts: list[list[str]] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            part = self._part()
            parts.append([*part, ""] if self._took("?") else part)
        count = 1
        for part in parts:
            count *= len(part)
        if count > MAX_DOMAINS:
            raise NotNamesError(f"it means more than {MAX_DOMAINS} domains")
        return ["".join(each) for each in product(*parts)]

    def _part(self) -> list[str]:
        if any(self._took(label) for label in _ANY_NAME):
            return ["*"]
        if any(self._took(label) for label in _SOME_NAMES):
            self.narrow = True
            return ["*"]
        if self._took("("):
            self._took("?:")
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise NotNamesError(f"groups are nested more than {MAX_DEPTH} deep")
            found = self._alternatives()
            self._depth -= 1
            if not self._took(")"):
                raise NotNamesError("a parenthesis is not closed")
            return found
        return [self._character()]

    def _character(self) -> str:
        character = self._text[self._at]
        escaped = character == "\\" and self._at + 1 < len(self._text)
        if escaped:
            character = self._text[self._at + 1]
        if not (character.isalnum() or character == "-" or (character == "." and escaped)) or (
            escaped and character.isalnum()
        ):
            raise NotNamesError(
                "only names can be served: text, alternatives, and one label of any name ([^.]+, [a-z0-9-]+)"
            )
        self._at += 2 if escaped else 1
        return character

    def _took(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True
