"""Text of a rule → tree. Every error tells the place in the text."""

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

from argos_gitops.providers.docker.labels.rules import (
    Either,
    Every,
    Matcher,
    Negation,
    Rule,
    Syntax,
    either,
    every,
)

MAX_DEPTH = 50
"""Deeper nesting is refused: nobody writes it, and each level costs a level of ours."""

_MANY = 10_000


class RuleError(ValueError):
    """A text that is no rule; `offset` is where, from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message}, at character {offset + 1}")
        self.offset = offset


class _Arity(NamedTuple):
    """How many arguments a matcher takes: from, to, and in steps of."""

    least: int
    most: int
    step: int = 1

    def fits(self, count: int) -> bool:
        return self.least <= count <= self.most and count % self.step == 0

    def __str__(self) -> str:
        if self.step > 1:
            return "pairs of a name and a value"
        if self.least == self.most:
            return f"{self.least} argument{'s' if self.least > 1 else ''}"
        most = "more" if self.most == _MANY else str(self.most)
        return f"{self.least} or {most} arguments"


_ONE, _SOME, _PAIRS = _Arity(1, 1), _Arity(1, _MANY), _Arity(2, _MANY, 2)

MATCHERS: dict[Syntax, dict[str, _Arity]] = {
    "v2": {
        "Host": _SOME,
        "HostHeader": _SOME,
        "HostRegexp": _SOME,
        "Path": _SOME,
        "PathPrefix": _SOME,
        "Method": _SOME,
        "Headers": _PAIRS,
        "HeadersRegexp": _PAIRS,
        "Query": _SOME,
        "ClientIP": _SOME,
    },
    "v3": {
        "Host": _ONE,
        "HostRegexp": _ONE,
        "Path": _ONE,
        "PathPrefix": _ONE,
        "PathRegexp": _ONE,
        "Method": _ONE,
        "Header": _Arity(2, 2),
        "HeaderRegexp": _Arity(2, 2),
        "Query": _Arity(1, 2),
        "QueryRegexp": _Arity(1, 2),
        "ClientIP": _ONE,
    },
}
"""Source: Traefik 3.7, pkg/muxer/http, which keeps the matchers of v2 beside its own."""

_SPELLINGS = {
    spelling: name
    for named in MATCHERS.values()
    for name in named
    for spelling in (name, name.lower(), name.upper(), name.capitalize())
}
"""Traefik knows each matcher as it is written, in lower, in upper case, and with one capital."""

_TEMPLATE = re.compile(r"\{[A-Za-z_][A-Za-z0-9_-]*(:[^{}]*(\{[0-9,]+\}[^{}]*)*)?\}")


def parse(text: str, syntax: Syntax | None = None) -> tuple[Rule, Syntax]:
    """The tree, and the syntax it is in, which is found out where nobody names it.

    Raises RuleError for whatever is not a rule of that syntax.
    """
    rule = _Parser(text).rule()
    matchers = list(matchers_of(rule))
    syntax = syntax or _syntax_of(matchers)
    for matcher in matchers:
        _judge(matcher, syntax)
    return rule, syntax


def matchers_of(rule: Rule) -> list[Matcher]:
    """All matchers in reading order."""
    match rule:
        case Matcher():
            return [rule]
        case Negation(part):
            return matchers_of(part)
        case Every(parts) | Either(parts):
            return [matcher for part in parts for matcher in matchers_of(part)]


def has_template(text: str) -> bool:
    """Whether a `{name}` or `{name:regexp}` of v2 stands in it."""
    return _TEMPLATE.search(text) is not None


def _syntax_of(matchers: Sequence[Matcher]) -> Syntax:
    """v2 where something stands that only v2 reads; else v3, which reads the rest in the same way."""
    return "v2" if any(_only_v2(matcher) for matcher in matchers) else "v3"


def _only_v2(matcher: Matcher) -> bool:
    arity = MATCHERS["v3"].get(matcher.name)
    old = MATCHERS["v2"].get(matcher.name)
    if old is None:
        return False
    if arity is None or (len(matcher.arguments) > arity.most and matcher.name != "Query"):
        return True
    if matcher.name == "Query":
        return all("=" in argument for argument in matcher.arguments)
    return matcher.name in ("HostRegexp", "Path", "PathPrefix") and has_template(matcher.arguments[0])


def _judge(matcher: Matcher, syntax: Syntax) -> None:
    arity = MATCHERS[syntax].get(matcher.name)
    if arity is None:
        raise RuleError(f"{matcher.name} does not exist in the rule syntax {syntax}", matcher.offset)
    if not arity.fits(len(matcher.arguments)):
        found = len(matcher.arguments)
        raise RuleError(f"{matcher.name} takes {arity} in syntax {syntax}, not {found}", matcher.offset)
    if not all(matcher.arguments) and matcher.name not in ("Headers", "Query"):
        raise RuleError(f"{matcher.name} has an empty argument", matcher.offset)


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


_TOKENS = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<raw>`[^`]*`)|(?P<quoted>"(?:[^"\\\n]|\\.)*")"""
    r"""|(?P<sign>&&|\|\||[!(),])|(?P<end>$))"""
)


class _Parser:
    """Recursive descent: or binds weakest, not strongest."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._next = self._token(0)

    def rule(self) -> Rule:
        found = self._either()
        if self._next.kind != "end":
            self._unexpected("`&&`, `||` or the end")
        return found

    def _either(self) -> Rule:
        parts = [self._every()]
        while self._took("||"):
            parts.append(self._every())
        return either(parts)

    def _every(self) -> Rule:
        parts = [self._single()]
        while self._took("&&"):
            parts.append(self._single())
        return every(parts)

    def _single(self) -> Rule:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RuleError(f"nested more than {MAX_DEPTH} deep", self._next.offset)
        found = self._negated_or_grouped()
        self._depth -= 1
        return found

    def _negated_or_grouped(self) -> Rule:
        if self._took("!"):
            return Negation(self._single())
        if self._took("("):
            inner = self._either()
            self._require(")")
            return inner
        return self._matcher()

    def _matcher(self) -> Rule:
        token = self._next
        if token.kind != "name":
            self._unexpected("a matcher such as Host(`example.com`)")
        name = _SPELLINGS.get(token.text)
        if name is None:
            near = get_close_matches(token.text, sorted(_SPELLINGS), 1)
            hint = f"; did you mean {_SPELLINGS[near[0]]}?" if near else ""
            raise RuleError(f"there is no matcher {token.text}{hint}", token.offset)
        self._advance()
        self._require("(")
        arguments = [self._argument()]
        while self._took(","):
            arguments.append(self._argument())
        self._require(")")
        return Matcher(name, tuple(arguments), token.offset)

    def _argument(self) -> str:
        token = self._next
        if token.kind not in ("raw", "quoted"):
            self._unexpected("a text in backticks or double quotes")
        self._advance()
        return token.text[1:-1] if token.kind == "raw" else _unescaped(token)

    def _took(self, sign: str) -> bool:
        if self._next.kind != "sign" or self._next.text != sign:
            return False
        self._advance()
        return True

    def _require(self, sign: str) -> None:
        if not self._took(sign):
            self._unexpected(f"`{sign}`")

    def _unexpected(self, expected: str) -> NoReturn:
        found = f"`{self._next.text}`" if self._next.text else "the end"
        raise RuleError(f"expected {expected}, found {found}", self._next.offset)

    def _advance(self) -> None:
        self._next = self._token(self._next.offset + len(self._next.text))

    def _token(self, start: int) -> _Token:
        match = _TOKENS.match(self._text, start)
        if match is None:
            offset = start + len(self._text[start:]) - len(self._text[start:].lstrip())
            character = self._text[offset]
            if character in '`"':
                raise RuleError("a text begins that does not end", offset)
            raise RuleError(f"{character!r} has no meaning in a rule", offset)
        kind = match.lastgroup or "end"
        return _Token(kind, match[kind], match.start(kind))


_ESCAPE = re.compile(
    r"\\(?:(?P<sign>[abfnrtv\\\"])|(?P<octal>[0-7]{3})"
    r"|x(?P<x>[0-9A-Fa-f]{2})|u(?P<u>[0-9A-Fa-f]{4})|U(?P<U>[0-9A-Fa-f]{8}))"
)
_SIGNS = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))


def _unescaped(token: _Token) -> str:
    """The value of a Go string in double quotes."""
    parts, position, body = [], 0, token.text[1:-1]
    while position < len(body):
        if body[position] != "\\":
            parts.append(body[position])
            position += 1
            continue
        match = _ESCAPE.match(body, position)
        value = _escape(match) if match else None
        if match is None or value is None:
            raise RuleError("an escape that Go does not know; use backticks", token.offset + 1 + position)
        parts.append(value)
        position = match.end()
    return "".join(parts)


def _escape(match: re.Match[str]) -> str | None:
    """None for a number that is no character."""
    if match["sign"]:
        return _SIGNS[match["sign"]]
    digits = match["x"] or match["u"] or match["U"]
    code = int(digits, 16) if digits else int(match["octal"], 8)
    return None if code > sys.maxunicode or 0xD800 <= code <= 0xDFFF else chr(code)
