"""The nodes of a file with the exact text that each of them covers, for whoever edits that text.

Only for files that `reading` finds no flaw in: there are no tags, keys are strings, and depth is bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import events

from argos_gitops.manifests.parsing import events_of
from argos_gitops.manifests.scalars import resolve


@dataclass(slots=True)
class Node:
    """`start` and `end` are offsets in the text; blank lines and comments after a node are no part of it.

    `content` is what it means. A collection has `entries` (keys None in a sequence); `style` is that of a
    scalar, as in `"` and `|`. An alias is a leaf without a style of its own.
    """

    start: int
    end: int
    column: int
    content: Any
    style: str | None = None
    flow: bool = False
    alias: bool = False
    entries: "list[tuple[Node | None, Node]]" = field(default_factory=list)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.content, dict) and not self.alias

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.content, list) and not self.alias


@dataclass(frozen=True, slots=True)
class DocumentNode:
    """One document that is not empty. `start` is where its `---` stands, or its root where it has none."""

    start: int
    root: Node


def document_nodes(text: str) -> list[DocumentNode]:
    """In the order of the file, as many as `read_documents` gives."""
    found = []
    composer = _Composer(iter(events_of(text.encode())))
    for event in composer.events:
        if type(event) is events.DocumentStartEvent:
            composer.anchors.clear()
            root = composer.node(next(composer.events))
            if root.content is not None:
                found.append(DocumentNode(event.start_mark.index if event.explicit else root.start, root))
    return found


class _Composer:
    def __init__(self, parsed: Iterator[Any]) -> None:
        self.events = parsed
        self.anchors: dict[str, Any] = {}

    def node(self, event: Any) -> Node:
        kind = type(event)
        if kind is events.AliasEvent:
            return _leaf(event, self.anchors[event.anchor], alias=True)
        if kind is events.ScalarEvent:
            content = resolve(event.value) if event.implicit[0] else event.value
            made = _leaf(event, content, style=event.style)
        elif kind is events.MappingStartEvent:
            made = self._mapping(event)
        else:
            made = self._sequence(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = made.content
        return made

    def _mapping(self, event: Any) -> Node:
        made = _leaf(event, {}, flow=bool(event.flow_style))
        while type(following := next(self.events)) is not events.MappingEndEvent:
            key = self.node(following)
            value = self.node(next(self.events))
            made.entries.append((key, value))
            made.content[key.content] = value.content
        return _closed(made, following)

    def _sequence(self, event: Any) -> Node:
        made = _leaf(event, [], flow=bool(event.flow_style))
        while type(following := next(self.events)) is not events.SequenceEndEvent:
            value = self.node(following)
            made.entries.append((None, value))
            made.content.append(value.content)
        return _closed(made, following)


def _leaf(event: Any, content: Any, **more: Any) -> Node:
    return Node(event.start_mark.index, event.end_mark.index, event.start_mark.column, content, **more)


def _closed(made: Node, event: Any) -> Node:
    """A block collection ends where its last value does; libyaml says: where the next token begins."""
    made.end = event.end_mark.index if made.flow or not made.entries else made.entries[-1][1].end
    return made
