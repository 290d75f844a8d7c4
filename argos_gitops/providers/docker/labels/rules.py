"""A router's rule as a tree of matchers, and the tree as text.

The operators are `&&`, `||` and `!`, with parentheses; arguments are Go's string literals, in backticks
or double quotes. Source: Traefik 3.7, "Routing, rules and priority"; 2.11, "Routers, rule".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Syntax = Literal["v2", "v3"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher with its arguments; `offset` is where it begins in the text, from 0."""

    name: str
    arguments: tuple[str, ...]
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(_literal, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Every:
    """All of its parts hold; none of them is an Every, and there are at least two."""

    parts: tuple["Rule", ...]

    def __str__(self) -> str:
        return " && ".join(f"({part})" if isinstance(part, Either) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """One of its parts holds; none of them is an Either, and there are at least two."""

    parts: tuple["Rule", ...]

    def __str__(self) -> str:
        return " || ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Negation:
    """Its part does not hold."""

    part: "Rule"

    def __str__(self) -> str:
        grouped = isinstance(self.part, Every | Either)
        return f"!({self.part})" if grouped else f"!{self.part}"


Rule = Matcher | Every | Either | Negation


def every(parts: Iterable[Rule]) -> Rule:
    """The parts joined by and, without groups that say nothing."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Every) else (part,))]
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def either(parts: Iterable[Rule]) -> Rule:
    """The parts joined by or, without groups that say nothing."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,))]
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _literal(text: str) -> str:
    """In backticks, where nothing is escaped, unless the text cannot stand in them."""
    if text.isprintable() and "`" not in text:
        return f"`{text}`"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"
