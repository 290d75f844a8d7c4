"""New values put into a YAML text in place of old ones, with as few characters changed as possible."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from argos_gitops.manifests.nodes import Node

_COMMENT = re.compile(r"(^|\s)#", re.MULTILINE)
_DEFAULT_STEP = 2
_QUOTES = {'"': DoubleQuotedScalarString, "'": SingleQuotedScalarString}


class Unsplicable(Exception):  # noqa: N818 - not an error of the program, but a text to be left alone
    """The text cannot be changed there without losing something else."""


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


class _Layout(NamedTuple):
    """How the file indents: a mapping in a mapping, and the dash of a list below its key."""

    step: int
    dash: int


class Splicer:
    """Gathers changes to one text. `roots` are its documents, from which it learns how the file indents."""

    def __init__(self, text: str, roots: Sequence[Node]) -> None:
        self._text = text
        self._layout = _layout(roots)
        self._ending = "\r\n" if "\r\n" in text else "\n"
        self._splices: list[_Splice] = []

    def replace(self, start: int, end: int, new: str) -> None:
        self._splices.append(_Splice(start, end, new.replace("\n", self._ending)))

    def result(self) -> str:
        """Raises Unsplicable where two changes meet."""
        text, before = self._text, len(self._text) + 1
        for splice in sorted(self._splices, reverse=True):
            if splice.end > before:
                raise Unsplicable
            text, before = text[: splice.start] + splice.text + text[splice.end :], splice.start
        return text

    def change(self, node: Node, new: Any, parent: Node | None = None) -> None:
        """Makes the text of `node` mean `new`."""
        if _encoded(node.content) == _encoded(new):
            return
        if node.is_mapping and isinstance(new, dict) and self._can_edit(node, new):
            self._change_mapping(node, new)
        elif node.is_sequence and isinstance(new, list) and self._can_edit(node, new):
            self._change_sequence(node, new)
        else:
            self._replace_whole(node, new, parent)

    def _can_edit(self, node: Node, new: Any) -> bool:
        """Whether entry by entry; a flow collection only while it keeps its entries."""
        if not node.entries or not new:
            return False
        if not node.flow:
            return node.is_sequence or any(key in new for key in node.content)
        return list(node.content) == list(new) if node.is_mapping else len(node.content) == len(new)

    def _change_mapping(self, node: Node, new: dict[str, Any]) -> None:
        last = node.entries[0][1]
        for key, value in node.entries:
            name = key.content if key is not None else None
            if name in new:
                self.change(value, new[name], node)
                last = value
            elif key is not None:
                self._delete(node, key.start, value.end)
        added = {name: value for name, value in new.items() if name not in node.content}
        if added:
            self._insert_after(last, node.column, self._block(added))

    def _change_sequence(self, node: Node, new: list[Any]) -> None:
        old = [_encoded(value) for value in node.content]
        matcher = SequenceMatcher(None, old, [_encoded(value) for value in new], autojunk=False)
        items = [value for _, value in node.entries]
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                continue
            paired = min(i2 - i1, j2 - j1)
            for item, value in zip(items[i1 : i1 + paired], new[j1 : j1 + paired], strict=True):
                self.change(item, value, node)
            for item in items[i1 + paired : i2]:
                self._delete(node, item.start, item.end)
            if j1 + paired < j2:
                self._insert_items(node, items, i1 + paired, new[j1 + paired : j2])

    def _insert_items(self, node: Node, items: Sequence[Node], at: int, new: list[Any]) -> None:
        lines = self._block(new)
        if at:
            self._insert_after(items[at - 1], node.column, lines)
            return
        start = line_start(self._text, node.start)
        if self._text[start : node.start].strip():
            raise Unsplicable
        self.replace(start, start, _indented(lines, node.column))

    def _insert_after(self, node: Node, column: int, lines: Iterable[str]) -> None:
        at = line_end(self._text, node.end)
        text = _indented(lines, column)
        if at and self._text[at - 1] != "\n":
            text = "\n" + text[:-1]
        self.replace(at, at, text)

    def _delete(self, node: Node, start: int, end: int) -> None:
        """An entry with its lines; it must have them to itself."""
        first, last = line_start(self._text, start), line_end(self._text, end)
        before = self._text[first:start].strip()
        if node.flow or before != ("-" if node.is_sequence else ""):
            raise Unsplicable
        self.replace(first, last, "")

    def _replace_whole(self, node: Node, new: Any, parent: Node | None) -> None:
        start, end = node.start, node.end
        if self._has_comment(node):
            raise Unsplicable
        if isinstance(new, dict | list) and new and not _is_flow(node, parent):
            lines = self._block(new)
            if node.entries and isinstance(new, dict) == node.is_mapping:
                self.replace(start, end, _indented(lines, node.column).lstrip(" ")[:-1])
                return
            if parent is None or not parent.is_mapping:
                raise Unsplicable
            column = parent.column + (self._layout.dash if isinstance(new, list) else self._layout.step)
            self.replace(self._after_key(start), end, "\n" + _indented(lines, column)[:-1])
            return
        if node.entries and not node.flow:
            self.replace(self._after_key(start), end, f" {_inline(new)}")
            return
        gap = "" if self._text[start - 1 : start] in (" ", "[", "{", "\n", "") else " "
        tail = "\n" if self._text[end - 1 : end] == "\n" and node.style in ("|", ">") else ""
        self.replace(start, end, gap + _inline(new, node.style) + tail)

    def _has_comment(self, node: Node) -> bool:
        """Whether text that is no scalar's holds one; of a block scalar only the first line may."""
        if not node.entries:
            header = self._text[node.start : node.end].partition("\n")[0]
            return node.style in ("|", ">") and _COMMENT.search(header) is not None
        at = node.start
        for leaf in _leaves(node):
            if _COMMENT.search(self._text[at : leaf.start]) or self._has_comment(leaf):
                return True
            at = leaf.end
        return _COMMENT.search(self._text[at : node.end]) is not None

    def _after_key(self, start: int) -> int:
        """Behind the `:` or `-` before a value."""
        before = self._text[:start].rstrip()
        if _COMMENT.search(self._text[len(before) : start]) or not before.endswith((":", "-")):
            raise Unsplicable
        return len(before)

    def _block(self, value: Any) -> list[str]:
        """Lines that begin at the value's own column."""
        lines = _dumped(value, self._layout).removesuffix("\n").split("\n")
        return [line[self._layout.dash :] for line in lines] if isinstance(value, list) else lines


def line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Behind the line break of the line in which the character before `at` stands."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def rendered_document(content: Any) -> str:
    return _dumped(content, _Layout(_DEFAULT_STEP, _DEFAULT_STEP))


def _is_flow(node: Node, parent: Node | None) -> bool:
    """An empty collection is written `{}` or `[]` anywhere."""
    return (node.flow and bool(node.entries)) or (parent is not None and parent.flow)


def _inline(value: Any, style: str | None = None) -> str:
    """On one line; a string in the quotes that the old one had."""
    if isinstance(value, str) and style in _QUOTES and value.isprintable():
        value = _QUOTES[style](value)
    yaml = _yaml(_Layout(_DEFAULT_STEP, 0))
    yaml.default_flow_style = True
    written = io.StringIO()
    yaml.dump({"-": _quoted(value)}, written)
    return written.getvalue().strip().removeprefix("{'-': ").removesuffix("}")


def _dumped(value: Any, layout: _Layout) -> str:
    written = io.StringIO()
    _yaml(layout).dump(_quoted(value), written)
    return written.getvalue()


def _quoted(value: Any) -> Any:
    """Text of more than one plain line stands in double quotes, where everything can be escaped."""
    if isinstance(value, dict):
        return {key: _quoted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_quoted(each) for each in value]
    if isinstance(value, str) and not value.isprintable():
        return DoubleQuotedScalarString(value)
    if isinstance(value, str) and value.startswith(":"):  # ruamel.yaml leaves `: 1` plain in a flow mapping
        return SingleQuotedScalarString(value)
    return value


def _yaml(layout: _Layout) -> Any:
    yaml = YAML(typ="rt")
    yaml.width = 2**20
    yaml.indent(mapping=layout.step, sequence=layout.dash + 2, offset=layout.dash)
    return yaml


def _indented(lines: Iterable[str], column: int) -> str:
    return "".join(f"{' ' * column}{line}\n" if line else "\n" for line in lines)


def _encoded(value: Any) -> bytes:
    return orjson.dumps(value)


def _layout(roots: Iterable[Node]) -> _Layout:
    """What the file does most often; two spaces, and dashes below the key's second letter, otherwise."""
    steps: list[int] = []
    dashes: list[int] = []
    for column, child in (pair for root in roots for pair in _nested(root)):
        (steps if child.is_mapping else dashes).append(child.column - column)
    return _Layout(_most_common(steps) or _DEFAULT_STEP, _most_common(dashes, _DEFAULT_STEP))


def _nested(node: Node) -> Iterator[tuple[int, Node]]:
    for _, value in node.entries:
        if node.is_mapping and not node.flow and value.entries and not value.flow:
            yield node.column, value
        yield from _nested(value)


def _leaves(node: Node) -> Iterator[Node]:
    """Keys and values in the order of the text."""
    for key, value in node.entries:
        if key is not None:
            yield key
        yield from _leaves(value) if value.entries else (value,)


def _most_common(values: Sequence[int], default: int = 0) -> int:
    return max(set(values), key=values.count) if values else default
