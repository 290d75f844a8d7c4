"""Comments of a YAML text: found, and put where their neighbours are."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ruamel.yaml import events

from argos_gitops.manifests.parsing import events_of

_COMMENT = re.compile(r"(?:^|(?<=\s))#")
_GAP = "  "


class _Line(NamedTuple):
    """A line without its end, and the column where its comment begins (None: it has none)."""

    text: str
    comment: int | None
    inside_scalar: bool

    @property
    def only_comment(self) -> bool:
        return self.comment is not None and not self.text[: self.comment].strip()

    @property
    def has_content(self) -> bool:
        return bool(self.text.strip()) and not self.only_comment and not self.inside_scalar

    @property
    def indentation(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))


def comments_of(text: str) -> Iterator[str]:
    """The text of each comment, from its `#`."""
    for line in _lines(text):
        if line.comment is not None:
            yield line.text[line.comment :].rstrip()


def tidy_comments(text: str) -> str:
    """Comments of their own line indented as a neighbour is, others two spaces after the content."""
    lines = _lines(text)
    before = _last_indentations(lines)
    after = _last_indentations(lines[::-1])[::-1]
    return "".join(f"{_tidy(*each)}\n" for each in zip(lines, after, before, strict=True))


def _tidy(line: _Line, after: int | None, before: int | None) -> str:
    if line.comment is None:
        return line.text
    comment = line.text[line.comment :].rstrip()
    if line.only_comment:
        return " " * _nearest(line.comment, after, before) + comment
    return line.text[: line.comment].rstrip() + _GAP + comment


def _nearest(column: int, *neighbours: int | None) -> int:
    known = [neighbour for neighbour in neighbours if neighbour is not None]
    return min(known, key=lambda neighbour: abs(neighbour - column), default=0)


def _last_indentations(lines: Sequence[_Line]) -> list[int | None]:
    """For each line the indentation of the content nearest above it."""
    last: int | None = None
    found: list[int | None] = []
    for line in lines:
        found.append(last)
        if line.has_content:
            last = line.indentation
    return found


def _lines(text: str) -> list[_Line]:
    texts = text.split("\n")
    if texts[-1] == "":
        texts.pop()
    scalars = _scalar_columns(text, len(texts))
    return [_line(line, scalars[number]) for number, line in enumerate(texts)]


def _line(text: str, scalars: list[tuple[int, int]]) -> _Line:
    found = (match.start() for match in _COMMENT.finditer(text))
    comment = next((at for at in found if not any(start <= at < end for start, end in scalars)), None)
    return _Line(text, comment, any(start == 0 for start, _ in scalars) and text[:1] in (" ", ""))


def _scalar_columns(text: str, count: int) -> list[list[tuple[int, int]]]:
    """For each line the columns that belong to scalars, in which `#` is a character like any other."""
    columns: list[list[tuple[int, int]]] = [[] for _ in range(count + 1)]
    for event in events_of(text.encode()):
        if type(event) is events.ScalarEvent:
            first, last = event.start_mark, event.end_mark
            for number in range(first.line, min(last.line, count) + 1):
                start = first.column if number == first.line else 0
                end = last.column if number == last.line else len(text) + 1
                columns[number].append((start, end))
    return columns
