"""Finding what stands in fields of a certain kind, anywhere in a spec.

Where a model keeps such fields is worked out once from its annotations, so that going through ten
thousand resources costs little more than reading the fields.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from argos_gitops.manifests.problems import Pointer

FoundT = TypeVar("FoundT")
Walk = Callable[[Any, Pointer], Iterator[FoundT]]
"""Yields what is found in a value that stands at a pointer."""
_Models = tuple[type[BaseModel], ...]


class Walks(Generic[FoundT]):
    """The walks of all models. `leaf` is the walk for an annotation with its marks, None where it is none
    of those that are looked for."""

    def __init__(self, leaf: Callable[[Any, Sequence[Any]], Walk[FoundT] | None]) -> None:
        self._leaf = leaf
        self._models: dict[type[BaseModel], Walk[FoundT] | None] = {}

    def of(self, model: type[BaseModel], inside: _Models = ()) -> Walk[FoundT] | None:
        """None for a model that has no such field. `inside` are the models that are being worked out."""
        if model not in self._models:
            self._models[model] = self._of_model(model, (*inside, model))
        return self._models[model]

    def _of_model(self, model: type[BaseModel], inside: _Models) -> Walk[FoundT] | None:
        fields = [
            (name, field.alias or name, walk)
            for name, field in model.model_fields.items()
            if (walk := self._walk(field.annotation, inside, (field, *field.metadata)))
        ]
        if not fields:
            return None

        def walk_model(value: Any, pointer: Pointer) -> Iterator[FoundT]:
            if isinstance(value, model):
                for name, alias, walk in fields:
                    if held := getattr(value, name):  # nothing is found in what is empty
                        yield from walk(held, (*pointer, alias))

        return walk_model

    def _later(self, model: type[BaseModel]) -> Walk[FoundT]:
        """For a model that holds itself, whose walk is not known yet."""

        def walk_later(value: Any, pointer: Pointer) -> Iterator[FoundT]:
            walk = self.of(model) if isinstance(value, model) else None
            if walk is not None:
                yield from walk(value, pointer)

        return walk_later

    def _walk(self, annotation: Any, inside: _Models, marks: Sequence[Any] = ()) -> Walk[FoundT] | None:
        leaf = self._leaf(annotation, marks)
        if leaf is not None:
            return leaf
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._walk(arguments[0], inside, arguments[1:])
        if origin in (Union, UnionType):
            return _any_of([walk for each in arguments if (walk := self._walk(each, inside))])
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return _values(self._walk(arguments[1], inside))
        if isinstance(origin, type) and issubclass(origin, Iterable):
            return _items(self._walk(arguments[0], inside))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self._later(annotation) if annotation in inside else self.of(annotation, inside)
        return None


def _any_of(walks: Sequence[Walk[FoundT]]) -> Walk[FoundT] | None:
    def walk_alternatives(value: Any, pointer: Pointer) -> Iterator[FoundT]:
        for walk in walks:
            yield from walk(value, pointer)

    return walk_alternatives if len(walks) > 1 else next(iter(walks), None)


def _items(item: Walk[FoundT] | None) -> Walk[FoundT] | None:
    if item is None:
        return None

    def walk_items(values: Any, pointer: Pointer) -> Iterator[FoundT]:
        if isinstance(values, list | tuple | set | frozenset):
            for index, value in enumerate(values):
                yield from item(value, (*pointer, index))

    return walk_items


def _values(value: Walk[FoundT] | None) -> Walk[FoundT] | None:
    if value is None:
        return None

    def walk_values(mapping: Any, pointer: Pointer) -> Iterator[FoundT]:
        if isinstance(mapping, Mapping):
            for key, each in mapping.items():
                yield from value(each, (*pointer, key))

    return walk_values
