"""References between resources: fields whose model says `reference(KIND)` or `key_reference()`."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from argos_gitops.manifests.problems import Pointer
from argos_gitops.manifests.schema import REFERENCE_MARK
from argos_gitops.manifests.walks import Walk, Walks
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.model.spec import ANY_KIND


class Reference(NamedTuple):
    """Where in a document which resource is named."""

    pointer: Pointer
    kind: str
    name: str


def references(spec: BaseModel) -> tuple[Reference, ...]:
    """The references of one spec, with pointers from the root of its document."""
    walk = _WALKS.of(type(spec))
    return tuple(walk(spec, ("spec",))) if walk else ()


def references_of(resource: AnyResource) -> frozenset[ResourceKey]:
    """The resources that `resource` names."""
    return frozenset(ResourceKey(each.kind, each.name) for each in references(resource.spec))


def _leaf(_: Any, marks: Sequence[Any]) -> Walk[Reference] | None:
    for mark in marks:
        if kind := _marked_kind(mark):
            return _walk_to(kind)
    return None


def _marked_kind(mark: Any) -> str | None:
    extra = mark.json_schema_extra if isinstance(mark, FieldInfo) else None
    kind = extra.get(REFERENCE_MARK) if isinstance(extra, dict) else None
    return kind if isinstance(kind, str) else None


def _walk_to(kind: str) -> Walk[Reference]:
    def walk_leaf(value: Any, pointer: Pointer) -> Iterator[Reference]:
        if isinstance(value, str):
            yield Reference(pointer, kind, value)

    return _walk_key if kind == ANY_KIND else walk_leaf


def _walk_key(value: Any, pointer: Pointer) -> Iterator[Reference]:
    if isinstance(value, str):
        kind, _, name = value.partition("/")
        yield Reference(pointer, kind, name)


_WALKS: Walks[Reference] = Walks(_leaf)
