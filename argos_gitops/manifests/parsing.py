"""The events of a YAML 1.2 text, from libyaml.

The libyaml in ruamel.yaml.clib reads flow collections as YAML 1.1 does: within `{…}` and `[…]` it takes every
`:` and `?` for an indicator, and so cannot read `{to: https://example.com}` and `[:443, :80]`. YAML 1.2
says that neither is one where a character follows that a plain scalar may hold (https://yaml.org/spec/1.2.2/#733-plain-style).

Such characters are replaced by letters that the text does not hold, and values get them back: each `?` from
the start, `:` from where libyaml first refuses one, so that most texts are read once. One parser with its
marks serves all texts, and reading stays linear: docs/decisions/0044-one-parser-for-both-styles.md.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ruamel.yaml import events
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined] # the C parser under its Python name
from ruamel.yaml.error import YAMLError

from argos_gitops.manifests.limits import MAX_BYTES_READ_AGAIN

_BOM = "\ufeff"
_PRIVATE = range(0xE000, 0xF900)
"""Code points for private use: to libyaml, letters like any other."""
_PLAIN = r"[^\s\ufeff,\[\]{}]"
"""A character that a plain scalar may hold inside a flow collection."""
_QUESTION = re.compile(rf"(?<={_PLAIN})\?|\?(?={_PLAIN})")
_COLON = re.compile(rf":(?={_PLAIN})")
_CERTAIN_COLON = re.compile(
    rf"""
    (?: (?<=[\[{{,]) | (?<={_PLAIN}) (?<!["']) )   # what ends in a quote or bracket may be a key of its own
    (?P<gap>[ \t]*) : (?={_PLAIN})
    """,
    re.VERBOSE,
)
_REFUSALS = ("found unexpected ':'", "did not find expected node content")
"""What libyaml says at a colon within a scalar, and at one that begins a scalar."""


def events_of(data: bytes) -> Iterator[Any]:
    """Each event with its marks, without that of the stream's end; YAMLError where the text stops being YAML.

    `data` must be UTF-8.
    """
    reading = _Reading(data)
    given = 0
    while True:
        try:
            for event in islice(reading.events(), given, None):
                given += 1
                yield event
        except YAMLError as error:
            if not reading.read_again(error):
                raise
        else:
            return


def hide_questions(text: str, letter: str) -> str:
    """The text with `letter` for each `?` that is no indicator of YAML 1.2."""
    return _QUESTION.sub(letter, text)


def hide_colons(text: str, letter: str) -> str:
    """The text with `letter` for each `:` that is no indicator of YAML 1.2, as far as that is certain without
    knowing whether it stands in a scalar in quotes, a comment or a collection."""
    return _CERTAIN_COLON.sub(rf"\g<gap>{letter}", text)


class _Reading:
    """A text under the eyes of libyaml, with the characters that it must not take for indicators replaced."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes_left = MAX_BYTES_READ_AGAIN
        self._letters: dict[str, str] = {}
        self._certain_replaced = False
        if b"?" in data and (b"[" in data or b"{" in data):
            text = data.decode("utf-8")
            if self._choose_letters(text):
                self._data = hide_questions(text, self._letters["?"]).encode()

    def events(self) -> Iterator[Any]:
        next_event = CParser(self._data).get_event
        back = str.maketrans({letter: character for character, letter in self._letters.items()})
        while type(event := next_event()) is not events.StreamEndEvent:
            if back and type(event) is events.ScalarEvent:
                event.value = event.value.translate(back)
            yield event

    def read_again(self, error: YAMLError) -> bool:
        """Whether there is a text now that libyaml does not refuse for the same reason."""
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        if problem not in _REFUSALS or mark is None or len(self._data) > self._bytes_left:
            return False
        text = self._data.decode("utf-8")
        at = mark.index + text.startswith(_BOM)
        if not _COLON.match(text, at) or not (self._letters or self._choose_letters(text)):
            return False
        rest = self._letters[":"] + text[at + 1 :]
        if not self._certain_replaced:
            rest = hide_colons(rest, self._letters[":"])
            self._certain_replaced = True
        self._data = (text[:at] + rest).encode()
        self._bytes_left -= len(self._data)
        return True

    def _choose_letters(self, text: str) -> bool:
        held = set(text)
        free = list(islice((chr(code) for code in _PRIVATE if chr(code) not in held), 2))
        self._letters = dict(zip(":?", free, strict=True)) if len(free) == 2 else {}
        return bool(self._letters)
