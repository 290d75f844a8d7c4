"""Bytes of one file become plain documents, whatever is in them: in bounded time, memory and depth.

libyaml's events are walked without recursion, so limits hold before anything is built. Positions of
single nodes are not kept: `places` finds them again in the rare case that somebody needs them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from ruamel.yaml import events
from ruamel.yaml.error import YAMLError

from argos_gitops.manifests.limits import BYTES_A_NODE, MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES
from argos_gitops.manifests.parsing import events_of
from argos_gitops.manifests.problems import Code, Flaw
from argos_gitops.manifests.scalars import resolve
from argos_gitops.manifests.syntax import syntax_flaw

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\ufffe\\uffff]")
_TAG_DIRECTIVE = re.compile(rb"^%TAG", re.MULTILINE)
_NAMES = re.compile(rb"^[ \t\r]*+name:[ \t]*[\"']?([a-z0-9][-a-z0-9]*)", re.MULTILINE)


class Document(NamedTuple):
    """One document: its number in the file, from 0; where its root starts, its content."""

    number: int
    line: int
    column: int
    content: Any


@dataclass(slots=True)
class Reading:
    """What a file holds. `unread_names`: names that the part which cannot be read may define."""

    documents: list[Document] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    unread_names: list[str] = field(default_factory=list)


class Refused(Exception):  # noqa: N818 - not an error of the program, but the end of a hostile file
    """Nothing more of this file can be read."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def read_documents(data: bytes) -> Reading:
    """All documents of a file; flaws instead of exceptions, and empty documents left out."""
    builder = _Builder()
    try:
        check_bytes(data)
        builder.build(events_of(data))
    except Refused as refused:
        builder.reading.flaws.append(refused.flaw)
    except YAMLError as error:
        builder.reading.flaws.append(syntax_flaw(error, data.decode("utf-8")))
    else:
        return builder.reading
    builder.reading.unread_names = names_in(data)
    return builder.reading


def names_in(data: bytes) -> list[str]:
    """The names that a file gives to resources, as far as can be seen without reading it as YAML."""
    return sorted({name.decode("ascii") for name in _NAMES.findall(data[:MAX_FILE_BYTES])})


def too_large(size: int) -> Flaw:
    return Flaw(
        0,
        0,
        Code.FILE_TOO_LARGE,
        f"the file has {size:,} bytes, more than the {MAX_FILE_BYTES:,} that a configuration file may have; "
        "split it, or move it out of the configuration folder",
    )


def check_bytes(data: bytes) -> None:
    """Refuses what must not reach the parser."""
    if len(data) > MAX_FILE_BYTES:
        raise Refused(too_large(len(data)))
    if data.startswith(_LFS_POINTER):
        message = "a Git LFS pointer instead of content; keep configuration out of LFS"
        raise Refused(Flaw(1, 1, Code.LFS_POINTER, message))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise Refused(
            Flaw(*_place(before), Code.NOT_UTF8, "the file is not UTF-8; save it as UTF-8")
        ) from None
    if control := _CONTROL.search(text):
        message = f"the control character U+{ord(control[0]):04X} must not stand in YAML; remove or escape it"
        raise Refused(Flaw(*_place(text[: control.start()]), Code.CONTROL_CHARACTER, message))
    if tag := _TAG_DIRECTIVE.search(data):
        # libyaml's time grows with the square of their number, so they must not reach it.
        place = _place(data[: tag.start()].decode("utf-8"))
        raise Refused(Flaw(*place, Code.YAML_TAG, "%TAG directives are not allowed; remove it"))


def _place(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


_NO_KEY: Any = object()
_DROPPED: Any = object()


class _Frame:
    """A collection under construction."""

    __slots__ = ("anchor", "before", "container", "key", "mark")

    def __init__(self, container: Any, event: Any, before: int) -> None:
        self.container = container
        self.key = _NO_KEY
        self.anchor = event.anchor
        self.before = before
        self.mark = event.start_mark


class _Builder:
    """Builds plain values out of events; the stack is explicit, so depth costs no recursion."""

    def __init__(self) -> None:
        self.reading = Reading()
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._number = -1

    def build(self, parsed: Iterable[Any]) -> None:
        for event in parsed:
            handle = self._HANDLERS.get(type(event))
            if handle is not None:
                handle(self, event)

    def _document(self, event: Any) -> None:
        self._anchors.clear()
        self._number += 1
        self._count(event.start_mark, 1)
        if event.version is not None and tuple(event.version) != (1, 2):
            self._flaw(
                event.start_mark, Code.YAML_VERSION, "only YAML 1.2 is read; remove the %YAML directive"
            )

    def _scalar(self, event: Any) -> None:
        text = event.value
        self._count(event.start_mark, 1 + len(text) // BYTES_A_NODE)
        if event.tag is not None:
            self._tagged(event)
        value: Any = self._resolved(event, text) if event.implicit[0] else text
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1 + len(text) // BYTES_A_NODE)
        self._add(value, event.start_mark)

    def _resolved(self, event: Any, text: str) -> Any:
        try:
            return resolve(text)
        except OverflowError:
            message = "the number is not finite or does not fit into 64 bits; quote it if it is meant as text"
            self._flaw(event.start_mark, Code.NUMBER_OUT_OF_RANGE, message)
            return 0

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            message = (
                "the alias names no anchor that ends before it in this document; "
                "put the value in quotes if the * is part of it"
            )
            raise Refused(_flaw_at(event.start_mark, Code.YAML_ALIAS, message))
        value, nodes = self._anchors[event.anchor]
        self._count(event.start_mark, nodes)
        self._add(value, event.start_mark)

    def _mapping(self, event: Any) -> None:
        self._start({}, event)

    def _sequence(self, event: Any) -> None:
        self._start([], event)

    def _start(self, container: Any, event: Any) -> None:
        if event.tag is not None:
            self._tagged(event)
        if len(self._stack) >= MAX_DEPTH:
            raise Refused(_flaw_at(event.start_mark, Code.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels"))
        self._stack.append(_Frame(container, event, self._nodes))
        self._count(event.start_mark, 1)

    def _end(self, _: Any) -> None:
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.container, self._nodes - frame.before)
        self._add(frame.container, frame.mark)

    # Of the class, not bound to each builder: a cycle of references a file is work for the collector.
    _HANDLERS: ClassVar[dict[type, Callable[["_Builder", Any], None]]] = {
        events.ScalarEvent: _scalar,
        events.AliasEvent: _alias,
        events.MappingStartEvent: _mapping,
        events.SequenceStartEvent: _sequence,
        events.MappingEndEvent: _end,
        events.SequenceEndEvent: _end,
        events.DocumentStartEvent: _document,
    }

    def _add(self, value: Any, mark: Any) -> None:
        """Puts a finished node where it belongs: a document, an item, a key or a value."""
        if not self._stack:
            if value is not None:
                document = Document(self._number, mark.line + 1, mark.column + 1, value)
                self.reading.documents.append(document)
            return
        frame = self._stack[-1]
        if type(frame.container) is list:
            frame.container.append(value)
        elif frame.key is _NO_KEY:
            frame.key = self._checked_key(frame.container, value, mark)
        else:
            if frame.key is not _DROPPED:
                frame.container[frame.key] = value
            frame.key = _NO_KEY

    def _checked_key(self, container: dict[str, Any], key: Any, mark: Any) -> Any:
        if type(key) is not str:
            self._flaw(mark, Code.KEY_NOT_STRING, "a key must be a string; quote it")
            return _DROPPED
        if key in container:
            message = "the key stands in this mapping already; remove one of them"
            self._flaw(mark, Code.DUPLICATE_KEY, message)
        return key

    def _tagged(self, event: Any) -> None:
        message = "YAML tags are not allowed; quote the value, or remove the tag"
        self._flaw(event.start_mark, Code.YAML_TAG, message)

    def _count(self, mark: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} nodes with every alias expanded; split the file"
            raise Refused(_flaw_at(mark, Code.TOO_COMPLEX, message))

    def _flaw(self, mark: Any, code: Code, message: str) -> None:
        self.reading.flaws.append(_flaw_at(mark, code, message))


def _flaw_at(mark: Any, code: Code, message: str) -> Flaw:
    return Flaw(mark.line + 1, mark.column + 1, code, message)
