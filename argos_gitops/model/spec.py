"""The base of every typed spec, and the field types that specs share.

JSON Schema, typed validation, references and the language reference all derive from these models,
so a field is described once: its type, its constraints, its default and its `description`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class SpecModel(BaseModel):
    """A frozen part of a spec: camelCase in YAML, unknown fields refused.

    A class that is a whole kind sets `kind`; its docstring becomes the kind's documentation.
    """

    kind: ClassVar[str] = ""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,  # a plan without changes builds the two kinds that it reads, not all of them
    )


@dataclass(frozen=True, slots=True)
class RefersTo:
    """Marks a field as the name of another resource: `Annotated[str, RefersTo("Service")]`."""

    kind: str


def reference(kind: str) -> Any:
    """Field metadata for the name of a resource of `kind`; shown in the schema as `x-argos-ref`."""
    return Field(pattern=NAME_PATTERN, max_length=253, json_schema_extra={"x-argos-ref": kind})


ANY_KIND = "*"


def key_reference() -> Any:
    """Field metadata for a resource of any kind, written KIND/NAME."""
    name = NAME_PATTERN.removeprefix("^")
    return Field(
        pattern=rf"^[A-Z][A-Za-z]*/{name}", max_length=300, json_schema_extra={"x-argos-ref": ANY_KIND}
    )


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"^[0-9]+(ms|s|m|h|d)$"
_BYTES = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
SIZE_PATTERN = r"^[0-9]+(KiB|MiB|GiB|KB|MB|GB)?$"


def parse_duration(value: object) -> object:
    """`90s`, `10m`, `7d` as a timedelta; whatever is not a duration is left for pydantic to refuse."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]+)(ms|s|m|h|d)", value)
    if match is None:
        raise ValueError("a duration is a whole number and a unit, such as 500ms, 90s, 10m, 12h or 7d")
    try:
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError("a duration is 999999999d at most") from None


def format_duration(value: timedelta) -> str:
    """The shortest spelling with one unit: 90 s is `90s`, 7 days are `7d`."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def parse_size(value: object) -> object:
    """`512MiB` or a plain number as bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]+)(KiB|MiB|GiB|KB|MB|GB)?", value)
    if match is None:
        raise ValueError("a size is a whole number and an optional unit, such as 512MiB or 10MB")
    return int(match[1]) * _BYTES[match[2] or ""]


def format_size(value: int) -> str:
    """The shortest spelling with a binary unit: 104857600 is `100MiB`."""
    for unit in ("GiB", "MiB", "KiB"):
        if value and value % _BYTES[unit] == 0:
            return f"{value // _BYTES[unit]}{unit}"
    return str(value)


def _string_schema(pattern: str, examples: list[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": examples})


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    _string_schema(DURATION_PATTERN, ["90s", "10m", "7d"]),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    _string_schema(SIZE_PATTERN, ["512MiB", "10MB"]),
]

Validator = Callable[[Any], Any]
