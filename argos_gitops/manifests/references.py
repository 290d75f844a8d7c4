"""References between resources: fields whose model says `reference(KIND)` or `key_reference()`.

Where a kind keeps its references is worked out once from its model, so that finding those of ten
thousand resources costs little more than reading the fields.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from argos_gitops.manifests.problems import Pointer
from argos_gitops.manifests.schema import REFERENCE_MARK
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.model.spec import ANY_KIND


class Reference(NamedTuple):
    """Where in a document which resource is named."""

    pointer: Pointer
    kind: str
    name: str


Walk = Callable[[Any, Pointer], Iterator[Reference]]


def references(spec: BaseModel) -> tuple[Reference, ...]:
    """The references of one spec, with pointers from the root of its document."""
    walk = _model_walk(type(spec))
    return tuple(walk(spec, ("spec",))) if walk else ()


def references_of(resource: AnyResource) -> frozenset[ResourceKey]:
    """The resources that `resource` names."""
    return frozenset(ResourceKey(each.kind, each.name) for each in references(resource.spec))


@cache
def _model_walk(model: type[BaseModel]) -> Walk | None:
    fields = [
        (name, field.alias or name, walk)
        for name, field in model.model_fields.items()
        if (walk := _walk(field.annotation, (field, *field.metadata)))
    ]
    if not fields:
        return None

    def walk_model(value: Any, pointer: Pointer) -> Iterator[Reference]:
        if isinstance(value, model):
            for name, alias, walk in fields:
                yield from walk(getattr(value, name), (*pointer, alias))

    return walk_model


def _walk(annotation: Any, marks: Sequence[Any] = ()) -> Walk | None:
    for mark in marks:
        if kind := _marked_kind(mark):
            return _leaf(kind)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _walk(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return _any_of([walk for each in arguments if (walk := _walk(each))])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _values(_walk(arguments[1]))
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _items(_walk(arguments[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model_walk(annotation)
    return None


def _marked_kind(mark: Any) -> str | None:
    extra = mark.json_schema_extra if isinstance(mark, FieldInfo) else None
    kind = extra.get(REFERENCE_MARK) if isinstance(extra, dict) else None
    return kind if isinstance(kind, str) else None


def _leaf(kind: str) -> Walk:
    def walk_leaf(value: Any, pointer: Pointer) -> Iterator[Reference]:
        if isinstance(value, str):
            yield Reference(pointer, kind, value)

    return _walk_key if kind == ANY_KIND else walk_leaf


def _walk_key(value: Any, pointer: Pointer) -> Iterator[Reference]:
    if isinstance(value, str):
        kind, _, name = value.partition("/")
        yield Reference(pointer, kind, name)


def _any_of(walks: Sequence[Walk]) -> Walk | None:
    def walk_alternatives(value: Any, pointer: Pointer) -> Iterator[Reference]:
        for walk in walks:
            yield from walk(value, pointer)

    return walk_alternatives if len(walks) > 1 else next(iter(walks), None)


def _items(item: Walk | None) -> Walk | None:
    if item is None:
        return None

    def walk_items(values: Any, pointer: Pointer) -> Iterator[Reference]:
        if isinstance(values, list | tuple | set | frozenset):
            for index, value in enumerate(values):
                yield from item(value, (*pointer, index))

    return walk_items


def _values(value: Walk | None) -> Walk | None:
    if value is None:
        return None

    def walk_values(mapping: Any, pointer: Pointer) -> Iterator[Reference]:
        if isinstance(mapping, Mapping):
            for key, each in mapping.items():
                yield from value(each, (*pointer, key))

    return walk_values
