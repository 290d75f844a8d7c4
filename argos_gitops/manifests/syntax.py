"""What libyaml refuses, in the words of somebody who writes YAML: what is wrong, where, how it is mended.

A sentence repeats nothing of the text but single punctuation characters: a file may hold a secret.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ruamel.yaml.error import YAMLError

from argos_gitops.manifests.problems import Code, Flaw
from argos_gitops.manifests.wording import listed
from argos_gitops.model.cron import MACROS

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})(\s|$)")
_NO_CONTENT = re.compile(r"\s*(#|$)")
_KEY_BEFORE = re.compile(r":\s")
_DASHES = re.compile(r"(?:-[ ]+)+")
_MOST_LINES_ABOVE = 1000
_LETTERS_OF_MEANING = "@`%,]}|>&*!?"


class _Spot(NamedTuple):
    """Where libyaml stopped, and where what it was reading `began` (None: unknown); counted from 0."""

    lines: Sequence[str]
    line: int
    column: int
    began: tuple[int, int] | None

    @property
    def text(self) -> str:
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def character(self) -> str:
        return self.text[self.column : self.column + 1]

    @property
    def opens_line(self) -> bool:
        return not self.text[: self.column].strip()


def syntax_flaw(error: YAMLError, text: str) -> Flaw:
    """The flaw of `text` that libyaml's `error` tells of."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed")
    if mark is None:
        return Flaw(0, 0, Code.YAML_SYNTAX, f"not valid YAML: {problem}")
    context = getattr(error, "context_mark", None)
    # libyaml takes U+0085, U+2028 and U+2029 for ends of lines, as `\r` and `\n`.
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text.removeprefix("\ufeff"))
    spot = _Spot(lines, mark.line, mark.column, (context.line, context.column) if context else None)
    conflict = _conflict(spot)
    if conflict is not None:
        sentence = (
            "git left a merge conflict here; choose a side, and remove its lines <<<<<<<, ======= and >>>>>>>"
        )
        return Flaw(conflict + 1, 1, Code.YAML_SYNTAX, f"not valid YAML: {sentence}")
    if _is_tab(spot, problem):
        sentence = "there is a tab, and only spaces may indent; replace the tab by spaces"
    else:
        sentence = _SENTENCES[problem](spot) if problem in _SENTENCES else problem
    line, column = spot.began if problem in _TOLD_WHERE_IT_BEGAN and spot.began else (spot.line, spot.column)
    return Flaw(line + 1, column + 1, Code.YAML_SYNTAX, f"not valid YAML: {sentence}")


def _conflict(spot: _Spot) -> int | None:
    """The line with the mark of a merge conflict, when it is this one or the one that was being read."""
    near = [spot.line, spot.line - 1, *([spot.began[0]] if spot.began else [])]
    held = [number for number in near if 0 <= number < len(spot.lines)]
    return next((number for number in sorted(held) if _CONFLICT.match(spot.lines[number])), None)


def _is_tab(spot: _Spot, problem: str) -> bool:
    before = spot.text[: spot.column + 1]
    return "found a tab" in problem or spot.character == "\t" or (not before.strip() and "\t" in before)


# --- sentences ---------------------------------------------------------------------------------------


def _second_value(spot: _Spot) -> str:
    if _KEY_BEFORE.search(spot.text[: spot.column]):
        return (
            "a second ': ' stands in this line; quote the value if it is part of it, "
            "or begin a new line for a mapping"
        )
    here = _indentation(spot.text)
    above = _content_above(spot)
    if above is not None and here > _indentation(spot.lines[above]):
        return (
            f"wrong indentation: this line begins after {_spaces(here)}, deeper than line {above + 1} above, "
            f"whose value it would continue; {_levels(spot)}"
        )
    where = f"line {above + 1}" if above is not None else "the line above"
    return f"{where} has no ': ' after its key; write 'key: value', with a space after the colon"


def _no_key(spot: _Spot) -> str:
    if spot.character in ("]", "}"):
        return f"there is a '{spot.character}' too many; remove it, or quote the value if it is part of it"
    if spot.character == ":":
        return "there is no key before the ':'; write 'key: value', or quote the value if it holds the colon"
    if not spot.opens_line:
        return (
            "there is more text after the end of a value; put the whole value in quotes "
            "(in single quotes, a ' is written twice)"
        )
    return _wrong_indentation(spot)


def _no_dash(spot: _Spot) -> str:
    if spot.opens_line and spot.began and spot.column == spot.began[1]:
        return (
            f"a list begins in line {spot.began[0] + 1}, and this line is no item of it; begin it with '- ', "
            "or indent it like the key that it belongs to"
        )
    return _wrong_indentation(spot) if spot.opens_line else _no_key(spot)


def _wrong_indentation(spot: _Spot) -> str:
    return f"wrong indentation: this line begins after {_spaces(spot.column)}; {_levels(spot)}"


def _no_document(spot: _Spot) -> str:
    if spot.opens_line and spot.line and not any(line.startswith("%") for line in spot.lines[: spot.line]):
        return (
            f"wrong indentation: this line begins after {_spaces(spot.column)}, and the document above it is "
            "indented deeper; begin all its keys in the same column, or begin a new document with ---"
        )
    return "a document must begin with --- after a directive (%) or after the end of another one"


def _no_colon(spot: _Spot) -> str:
    line = spot.lines[spot.began[0]] if spot.began else ""
    if re.match(r"\s*-\S", line):
        return (
            "this line has neither ': ' after a key nor a space after its '-'; write '- item' or 'key: value'"
        )
    return "this line has no ': ' after its key; write 'key: value', or indent it if it continues a value"


def _open_quote(spot: _Spot) -> str:
    return "the quote that opens here is never closed; close it, or remove it"


def _no_comma(closing: str) -> Callable[[_Spot], str]:
    def sentence(spot: _Spot) -> str:
        opened = f"opened in line {spot.began[0] + 1}" if spot.began else "opened before"
        return f"a ',' is missing here, or the '{closing}' of what is {opened}; quote values with {{}}[],"

    return sentence


def _no_start(spot: _Spot) -> str:
    macro = re.match(r"@[a-z]+", spot.text[spot.column :])
    if macro and macro[0] in MACROS:
        return f"{macro[0]} is no schedule of five fields; write '{MACROS[macro[0]]}' in quotes"
    found = f"'{spot.character}'" if spot.character in _LETTERS_OF_MEANING else "this character"
    return f"a value cannot begin with {found}; put it in quotes"


def _no_value(spot: _Spot) -> str:
    if spot.character and spot.character in ",]}:":
        return f"there is a '{spot.character}' where a value should be; write the value, or put it in quotes"
    return "a value is missing here; write it, or put it in quotes if it begins with a special character"


def _no_anchor_name(spot: _Spot) -> str:
    sign = spot.text[spot.column - 1 : spot.column]
    return (
        f"a value that begins with '{sign if sign in ('*', '&') else '*'}' must stand in quotes, "
        'as in "*.example.com"'
    )


_SENTENCES: dict[str, Callable[[_Spot], str]] = {
    "mapping values are not allowed in this context": _second_value,
    "did not find expected key": _no_key,
    "did not find expected '-' indicator": _no_dash,
    "did not find expected <document start>": _no_document,
    "could not find expected ':'": _no_colon,
    "found unexpected end of stream": _open_quote,
    "did not find expected ',' or ']'": _no_comma("]"),
    "did not find expected ',' or '}'": _no_comma("}"),
    "found character that cannot start any token": _no_start,
    "did not find expected node content": _no_value,
    "did not find expected alphabetic or numeric character": _no_anchor_name,
    "found unexpected ':'": lambda _: (
        "a ':' stands before a bracket or comma, or the file has too many values with a ':' in {} and []; "
        "write a space after the colon of a key, and put a value with a colon in quotes"
    ),
    "found unknown escape character": lambda _: (
        "in double quotes \\ begins an escape, and this one is unknown; write \\\\, or use single quotes"
    ),
    "did not find expected hexdecimal number": lambda _: (
        "in double quotes \\x, \\u and \\U need 2, 4 and 8 hexadecimal digits; write \\\\ for a backslash"
    ),
    "block sequence entries are not allowed in this context": lambda _: (
        "a list cannot begin in the line of its key; begin each '- item' in a line of its own"
    ),
    "mapping keys are not allowed in this context": lambda _: (
        "a '? ' stands where no key may begin; put the value in quotes"
    ),
    "did not find expected comment or line break": lambda _: (
        "text follows a '|' or '>'; begin it in the next line, indented, or put the value in quotes"
    ),
    "found unexpected document indicator": lambda _: (
        "a line with --- or ... stands inside quotes that are not closed; close them before it"
    ),
}
_TOLD_WHERE_IT_BEGAN = frozenset(
    {
        "could not find expected ':'",
        "did not find expected alphabetic or numeric character",
        "found unexpected document indicator",
        "found unexpected end of stream",
    }
)


# --- lines -------------------------------------------------------------------------------------------


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(count: int) -> str:
    return f"{count} space" if count == 1 else f"{count} spaces"


def _content_above(spot: _Spot) -> int | None:
    numbers = range(min(spot.line, len(spot.lines)) - 1, max(-1, spot.line - _MOST_LINES_ABOVE), -1)
    return next((number for number in numbers if not _NO_CONTENT.match(spot.lines[number])), None)


def _levels(spot: _Spot) -> str:
    """The columns that the lines above leave open, each with the line that begins there."""
    open_columns: dict[int, int] = {}
    lowest = 1 << 30
    for number in range(min(spot.line, len(spot.lines)) - 1, max(-1, spot.line - _MOST_LINES_ABOVE), -1):
        line = spot.lines[number]
        if _NO_CONTENT.match(line) or (column := _indentation(line)) >= lowest:
            continue
        if (dashes := _DASHES.match(line, column)) and dashes.end() < lowest:
            open_columns[dashes.end()] = number + 1
        open_columns[column] = number + 1
        lowest = column
        if not lowest or line.startswith("---"):
            break
    levels = [f"{column} (line {number})" for column, number in sorted(open_columns.items())]
    if not levels:
        return "begin it like the lines above"
    return f"lines above begin after {listed(levels)}; begin it like the one that it belongs to"
