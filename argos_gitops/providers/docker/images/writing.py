"""Another version of an image written into the user's own files: nothing else in them changes.

The Compose file that really names the image is edited in place, or the line of the env file that its
variable comes from. Where that is not plain, nothing is guessed.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import events

from argos_gitops.manifests.parsing import events_of
from argos_gitops.model.problem import Location
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.rendering import Rendered
from argos_gitops.providers.docker.images.references import ImageReference
from argos_gitops.providers.docker.images.spelling import Respelling, UnclearError, pieces_of, respellings

_QUOTED = ("'", '"')


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Characters `start` to `end` of a file of the Stack become `new`."""

    path: str
    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class _Scalar:
    """A text in a file, and where its first character stands."""

    path: str
    text: str
    at: int


class ImageWriter:
    """Says what to edit in the files of one Stack."""

    def __init__(self, files: StackFiles, rendered: Rendered) -> None:
        self._files = files
        self._rendered = rendered

    def edits(self, service: str, old: ImageReference, new: ImageReference) -> list[TextEdit]:
        """What makes the service's image `new`. Raises UnclearError, which says why it cannot be."""
        scalar = self._scalar(self._rendered.place("services", service, "image"))
        pieces = pieces_of(scalar.text, self._value_of)
        if "".join(piece.text for piece in pieces) != self._rendered.services[service].get("image"):
            raise UnclearError(f"what {scalar.path} says is not what Compose makes of it")
        found = respellings(pieces, old, new, len(scalar.text))
        return [self._edit(scalar, respelling) for respelling in found]

    def _scalar(self, place: Location) -> _Scalar:
        """The value of the key `image` that stands there."""
        path = posixpath.relpath(place.path, self._files.stack.spec.path.path)
        if path not in self._files.listing:
            raise UnclearError("no file of the Stack names the image")
        text = self._files.content(path).decode()
        key, value = _entry_at(text, place)
        if key != "image" or not isinstance(value, events.ScalarEvent):
            raise UnclearError(f"{path} does not name the image in one place")
        start, end = value.start_mark.index, value.end_mark.index
        if value.style in _QUOTED:
            start, end = start + 1, end - 1
        if text[start:end] != value.value:
            raise UnclearError(f"{path} spells it over several lines, or with escapes")
        return _Scalar(path, value.value, start)

    def _value_of(self, name: str) -> str | None:
        given = self._files.stack.spec.environment.get(name)
        if given is not None:
            raise UnclearError(f"${name} comes from the Stack's `environment`")
        found = list(self._assignments(name))
        if len(found) > 1:
            raise UnclearError(f"${name} is set in several places")
        return found[0].text if found else None

    def _edit(self, scalar: _Scalar, respelling: Respelling) -> TextEdit:
        piece = respelling.piece
        if piece.at is not None:
            path, at = scalar.path, scalar.at + piece.at
        else:
            assignment = next(self._assignments(piece.variable))
            path, at = assignment.path, assignment.at
        return TextEdit(path, at + respelling.start, at + respelling.end, respelling.new)

    def _assignments(self, name: str) -> Iterator[_Scalar]:
        """The values that env files give a variable, where each stands. Raises UnclearError."""
        value = r"((?:[^ \t\r\n]++|[ \t\r]++(?=[^ \t\r\n]))*+)[ \t\r]*+"
        line = re.compile(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*{value}$", re.MULTILINE)
        for path in self._files.env_files:
            if self._files.sealed(path) is not None:
                raise UnclearError(f"${name} may come from {path}, which SOPS encrypted")
            for match in line.finditer(self._files.content(path).decode("utf-8", "replace")):
                yield _plain(path, match)


def _plain(path: str, match: "re.Match[str]") -> _Scalar:
    """`1.27`, `"1.27"` and `1.27 # a word about it`."""
    value = re.fullmatch(r"(?P<quote>[\"']?)(?P<text>[\w./:@-]*)(?P=quote)(?:[ \t]+#.*)?", match[1])
    if value is None:
        raise UnclearError(f"{path} sets the variable to more than plain text")
    return _Scalar(path, value["text"], match.start(1) + value.start("text"))


def _entry_at(text: str, place: Location) -> tuple[str, Any]:
    """The key that stands at a place, and the event of its value."""
    parsed: Iterator[Any] = iter(events_of(text.encode()))
    for event in parsed:
        here = (event.start_mark.line + 1, event.start_mark.column + 1) == (place.line, place.column)
        if here and isinstance(event, events.ScalarEvent):
            return event.value, next(parsed)
    return "", None


def edited(content: Mapping[str, bytes], edits: Sequence[TextEdit]) -> dict[str, bytes] | None:
    """The files with all edits made, each once; None where two of them want different things."""
    texts = {path: content[path].decode() for path in {edit.path for edit in edits}}
    reach: dict[str, int] = {}
    for edit in sorted(set(edits), reverse=True):
        if edit.end > reach.get(edit.path, len(texts[edit.path])):
            return None
        text = texts[edit.path]
        texts[edit.path] = text[: edit.start] + edit.new + text[edit.end :]
        reach[edit.path] = edit.start
    return {path: text.encode() for path, text in texts.items()}
