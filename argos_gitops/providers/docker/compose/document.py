"""The user's Compose files as trees that know where everything stands.

Only to find files that Compose is going to read, and places for people: what a file means is for Compose to
say. Whatever two readers could understand in two ways is refused, so that nobody can hide a file from us
and show it to Compose. Bounded like all reading (manifests/limits.py), each alias counted as what it
stands for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import events
from ruamel.yaml.error import YAMLError

from argos_gitops.manifests.limits import MAX_DEPTH, MAX_NODES
from argos_gitops.manifests.parsing import events_of
from argos_gitops.manifests.reading import Refused, check_bytes

MERGE = "<<"

_TAGS = {
    None,
    "!reset",
    "!override",
    *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "bool", "float")),
}
"""Those of Compose, and those that change no text."""
_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line breaks in YAML 1.1, and none in 1.2."""


class UnreadableError(Exception):
    """No tree can be made of a file; the text says why, `line` and `column` where (0: unknown)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(slots=True)
class Tree:
    """A node: `text` of a scalar, `entries` of a mapping (in order, by key), `items` of a sequence.

    `line` and `column`, from 1, are those of its key where it has one. `size` counts nodes.
    """

    line: int
    column: int
    text: str | None = None
    entries: "dict[str, Tree] | None" = None
    items: "list[Tree] | None" = None
    size: int = 1
    merged: "list[Tree]" = field(default_factory=list)

    def entry(self, key: str) -> "Tree | None":
        """By key, also out of what is merged into this mapping (`<<`)."""
        if self.entries is not None and key in self.entries:
            return self.entries[key]
        for other in self.merged:
            found = other.entry(key)
            if found is not None:
                return found
        return None

    def keys(self) -> Iterator[str]:
        yield from self.entries or ()
        for other in self.merged:
            yield from other.keys()

    def below(self, key: str) -> "Iterator[Tree]":
        """All texts below entries of this name, wherever these are."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for name, entry in (node.entries or {}).items():
                if name == key:
                    yield from entry.scalars()
            waiting += [*(node.entries or {}).values(), *(node.items or ()), *node.merged]

    def scalars(self) -> "Iterator[Tree]":
        """All texts below this node, each once even if many aliases stand for it."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if node.text is not None:
                yield node
            waiting += [*(node.entries or {}).values(), *(node.items or ()), *node.merged]


def read_trees(data: bytes) -> list[Tree]:
    """One for each document. Raises UnreadableError."""
    try:
        check_bytes(data)
    except Refused as refused:
        raise UnreadableError(refused.flaw.message, refused.flaw.line, refused.flaw.column) from None
    if _BREAKS.search(data.decode()):
        raise UnreadableError("it holds U+0085, U+2028 or U+2029, which some readers take for line breaks")
    try:
        return list(_Composer(events_of(data)).documents())
    except YAMLError as error:
        raise _invalid(error) from None


def _invalid(error: YAMLError) -> UnreadableError:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return UnreadableError(f"not valid YAML: {getattr(error, 'problem', '')}", line, column)


class _Composer:
    def __init__(self, parsed: Iterator[Any]) -> None:
        self._events = parsed
        self._anchors: dict[str, Tree] = {}
        self._nodes = 0

    def documents(self) -> Iterator[Tree]:
        for event in self._events:
            if type(event) is events.DocumentStartEvent:
                self._anchors.clear()
                yield self._node(next(self._events), 0)

    def _node(self, event: Any, depth: int) -> Tree:
        kind = type(event)
        if getattr(event, "tag", None) not in _TAGS:
            raise _unreadable(event, f"the tag {event.tag} is none that a Compose file may have; remove it")
        if depth > MAX_DEPTH:
            raise _unreadable(event, f"nested deeper than {MAX_DEPTH} levels")
        if kind is events.AliasEvent:
            made = self._aliased(event)
        elif kind is events.MappingStartEvent:
            made = self._mapping(event, depth)
        elif kind is events.SequenceStartEvent:
            made = self._sequence(event, depth)
        else:
            made = _at(event, text=event.value)
        self._count(event, made)
        if kind is not events.AliasEvent and event.anchor is not None:
            self._anchors[event.anchor] = made
        return made

    def _count(self, event: Any, made: Tree) -> None:
        self._nodes += made.size if type(event) is events.AliasEvent else 1
        if self._nodes > MAX_NODES:
            raise _unreadable(
                event, f"more than {MAX_NODES:,} nodes with every alias expanded; split the file"
            )

    def _aliased(self, event: Any) -> Tree:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise _unreadable(event, "the alias names no anchor that ends before it in this document")
        return _at(
            event,
            text=known.text,
            entries=known.entries,
            items=known.items,
            merged=known.merged,
            size=known.size,
        )

    def _mapping(self, event: Any, depth: int) -> Tree:
        made = _at(event, entries={})
        entries: dict[str, Tree] = {}
        while type(following := next(self._events)) is not events.MappingEndEvent:
            key = self._node(following, depth + 1)
            value = self._node(next(self._events), depth + 1)
            made.size += 1 + value.size
            if key.text is None:
                raise _unreadable(following, "a key must be a text")
            value.line, value.column = key.line, key.column
            if key.text == MERGE and _is_plain(following):
                made.merged += value.items or [value]
            else:
                entries[key.text] = value
        made.entries = entries
        return made

    def _sequence(self, event: Any, depth: int) -> Tree:
        made = _at(event, items=[])
        items: list[Tree] = []
        while type(following := next(self._events)) is not events.SequenceEndEvent:
            items.append(self._node(following, depth + 1))
            made.size += items[-1].size
        made.items = items
        return made


def _is_plain(event: Any) -> bool:
    """Whether a scalar stands without quotes; in quotes, `<<` is a key like any other."""
    return getattr(event, "style", None) in (None, "")


def _at(event: Any, **more: Any) -> Tree:
    return Tree(event.start_mark.line + 1, event.start_mark.column + 1, **more)


def _unreadable(event: Any, message: str) -> UnreadableError:
    return UnreadableError(message, event.start_mark.line + 1, event.start_mark.column + 1)
