"""How a Compose file spells an image: a text with `${…}` in it, each piece of which stands somewhere. Pure.

Facts: Compose's interpolation (docs.docker.com/reference/compose-file/interpolation).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from argos_gitops.providers.docker.images.references import ImageReference

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?])([^${}]*))?\})")


class UnclearError(Exception):
    """What is written cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an image's name: `text` is what it means, `at` where that is written.

    `at` counts characters in the template, or is None where `variable` is set elsewhere.
    """

    text: str
    at: int | None
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Respelling:
    """Characters `start` to `end` of a piece's text become `new`."""

    piece: Piece
    start: int
    end: int
    new: str


def pieces_of(template: str, value_of: Callable[[str], str | None]) -> list[Piece]:
    """What the template is made of; `value_of` a variable is None where nobody sets it.

    Raises UnclearError for what is more than `$NAME`, `${NAME}` and `${NAME:-default}`.
    """
    found, end = [], 0
    for match in _VARIABLE.finditer(template):
        found.append(Piece(template[end : match.start()], end))
        found.append(_variable(match, value_of))
        end = match.end()
    found.append(Piece(template[end:], end))
    if any("$" in piece.text for piece in found):
        raise UnclearError("it is spelled with more than ${NAME} and ${NAME:-default}")
    return [piece for piece in found if piece.text or piece.variable]


def _variable(match: "re.Match[str]", value_of: Callable[[str], str | None]) -> Piece:
    name, operator, default = match[1] or match[2], match[3] or "", match[4] or ""
    value = value_of(name)
    if value or (value is not None and not operator.startswith(":")):
        return Piece(value, None, name)
    return Piece(default, match.start(4), name) if operator.endswith("-") else Piece("", None, name)


def respellings(
    pieces: Sequence[Piece], old: ImageReference, new: ImageReference, end_of_template: int
) -> list[Respelling]:
    """What to write so that the pieces, which mean `old`, mean `new`. Raises UnclearError.

    A digest where there was none is written behind everything, into the file that names the image.
    """
    text = "".join(piece.text for piece in pieces)
    found = []
    for start, end, written in _replaced(text, old, new):
        if start == end:
            found.append(Respelling(Piece("", end_of_template), 0, 0, written))
        else:
            found.append(_within(pieces, start, end, written))
    return found


def _replaced(text: str, old: ImageReference, new: ImageReference) -> Iterator[tuple[int, int, str]]:
    """Where in the text tag and digest stand, and what comes in their place."""
    behind = len(text) - len(f"@{old.digest}" if old.digest else "")
    if old.tag != new.tag:
        if old.tag is None or new.tag is None:
            raise UnclearError("it has no tag to be replaced")
        yield behind - len(old.tag), behind, new.tag
    if old.digest != new.digest and new.digest is not None:
        yield (behind + 1, len(text), new.digest) if old.digest else (behind, behind, f"@{new.digest}")


def _within(pieces: Sequence[Piece], start: int, end: int, written: str) -> Respelling:
    at = 0
    for piece in pieces:
        if at <= start and end <= at + len(piece.text):
            return Respelling(piece, start - at, end - at, written)
        at += len(piece.text)
    raise UnclearError("its version is put together from several places")
