"""Sets of resources that build a kind when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, SpecT

Named = Mapping[str, AnyResource]


class KindwiseResources:
    """A ResourceSet of which each kind is built at most once, by a function that gives name order."""

    def __init__(
        self, fingerprint: str, counts: Mapping[str, int], builders: Mapping[str, Callable[[], Named]]
    ) -> None:
        self._fingerprint = fingerprint
        self._counts = counts
        self._builders = dict(builders)
        self._built: dict[str, Named] = {}

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def kinds(self) -> Mapping[str, int]:
        return self._counts

    def of_kind(self, kind: str) -> Named:
        if kind not in self._built:
            build = self._builders.pop(kind, None)
            self._built[kind] = build() if build else {}
        return self._built[kind]

    def of(self, spec_model: type[SpecT]) -> Mapping[str, Resource[SpecT]]:
        return cast("Mapping[str, Resource[SpecT]]", self.of_kind(spec_model.kind))

    def get(self, key: ResourceKey) -> AnyResource | None:
        return self.of_kind(key.kind).get(key.name)

    def __iter__(self) -> Iterator[AnyResource]:
        for kind in self._counts:
            yield from self.of_kind(kind).values()

    def __len__(self) -> int:
        return sum(self._counts.values())
