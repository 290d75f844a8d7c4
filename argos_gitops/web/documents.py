"""What we know, as JSON documents: camelCase, keys of resources as people write them."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from argos_gitops.model.resource import ResourceKey


def document(value: Any) -> Any:
    """`value` as the JSON encoder takes it. The ports promise that what they hold may be shown."""
    if isinstance(value, ResourceKey):
        return str(value)
    if is_dataclass(value):
        return {_camel_case(field.name): document(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): document(each) for key, each in value.items()}
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return [document(each) for each in value]
    return value


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
