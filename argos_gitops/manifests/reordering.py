"""The keys of each document in their canonical order, moved as blocks of lines with their comments."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ruamel.yaml import events

from argos_gitops.manifests.parsing import events_of

_STARTS = {events.MappingStartEvent, events.SequenceStartEvent}
_ENDS = {events.MappingEndEvent, events.SequenceEndEvent}
_NODES = {events.ScalarEvent, events.AliasEvent, *_STARTS}
_ORDER = {name: rank for rank, name in enumerate(("apiVersion", "kind", "metadata", "spec"))}


class _Outline(NamedTuple):
    """The lines of a document that is a block mapping: where each key begins, and where all ends."""

    keys: list[tuple[int, str]]
    end: int


def reorder(text: str) -> str:
    """The same documents; comments above a key go with it, those at the head and the end stay there."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for outline in reversed(list(_outlines(text, len(lines)))):
        if _movable(outline, lines):
            _reorder(lines, outline)
    return "".join(lines)


def _movable(outline: _Outline, lines: Sequence[str]) -> bool:
    ranks = [_rank(key) for _, key in outline.keys]
    starts = [line for line, _ in outline.keys]
    on_their_own = all(not lines[line][:1].isspace() and not lines[line].startswith("---") for line in starts)
    return ranks != sorted(ranks) and on_their_own and len(set(starts)) == len(starts)


def _rank(key: str) -> int:
    return _ORDER.get(key, len(_ORDER))


def _reorder(lines: list[str], outline: _Outline) -> None:
    starts = [line for line, _ in outline.keys]
    blocks: list[tuple[int, list[str]]] = []
    above: list[str] = []
    for (start, end), (_, key) in zip(pairwise([*starts, outline.end]), outline.keys, strict=True):
        body, following = _without_following(lines[start:end])
        blocks.append((_rank(key), above + body))
        above = following
    blocks.sort(key=lambda block: block[0])
    lines[starts[0] : outline.end] = [line for _, block in blocks for line in block] + above


def _without_following(block: list[str]) -> tuple[list[str], list[str]]:
    """A key's lines, and the comments after them that belong to what follows."""
    end = len(block)
    while end > 1 and (not block[end - 1].strip() or block[end - 1].startswith("#")):
        end -= 1
    return block[:end], block[end:]


def _outlines(text: str, line_count: int) -> Iterator[_Outline]:
    keys = _Keys()
    for event in events_of(text.encode()):
        kind = type(event)
        if kind is events.DocumentStartEvent:
            keys = _Keys()
        elif kind is events.DocumentEndEvent and keys.found:
            yield _Outline(keys.found, min(event.start_mark.line, line_count))
        elif kind in _ENDS:
            keys.depth -= 1
        elif kind in _NODES:
            keys.node(event)


class _Keys:
    """The keys of a document's root, told apart from their values by turns."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self.depth = 0
        self._in_block_mapping = False
        self._turn = 0

    def node(self, event: Any) -> None:
        if self.depth == 1 and self._in_block_mapping:
            if self._turn % 2 == 0:
                self.found.append((event.start_mark.line, getattr(event, "value", "")))
            self._turn += 1
        if type(event) in _STARTS:
            if self.depth == 0:
                self._in_block_mapping = type(event) is events.MappingStartEvent and not event.flow_style
            self.depth += 1
