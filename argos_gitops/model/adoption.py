"""A live value put into the words of the configuration: which documents would have to say what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from argos_gitops.model.resource import ResourceKey


class _Gone:
    """Stands for a field that is taken out."""

    def __repr__(self) -> str:
        return "GONE"


GONE: Final = _Gone()


@dataclass(frozen=True, slots=True)
class Edit:
    """The value, as YAML says it, at a path from the root of a document: `("spec", "domains")`."""

    path: tuple[str | int, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Adoption:
    """What git would have to say for a live object to be right as it is.

    `edits` are of documents that exist, `removed` leave, `added` are whole new documents.
    """

    edits: Mapping[ResourceKey, Sequence[Edit]] = field(default_factory=dict)
    removed: tuple[ResourceKey, ...] = ()
    added: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Unsayable:
    """Why a live object cannot be said in the configuration language, or must not be. Holds no secret."""

    why: str
