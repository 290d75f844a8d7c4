"""Sets of resources that build a kind when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import cast

from argos_gitops.model.objects import digest_of
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, ResourceSet, SpecT

Named = Mapping[str, AnyResource]


class KindwiseResources:
    """A ResourceSet of which each kind is built at most once, by a function that gives name order.

    For several threads: systems are looked at side by side, and whoever comes while a kind is being built
    must wait for it. To be told that there is nothing would be to remove everything.
    """

    def __init__(
        self, fingerprint: str, counts: Mapping[str, int], builders: Mapping[str, Callable[[], Named]]
    ) -> None:
        self._fingerprint = fingerprint
        self._counts = counts
        self._builders = dict(builders)
        self._built: dict[str, Named] = {}
        self._building = RLock()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def kinds(self) -> Mapping[str, int]:
        return self._counts

    def of_kind(self, kind: str) -> Named:
        if kind not in self._built:
            with self._building:
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


def replaced(resources: ResourceSet, others: Mapping[ResourceKey, AnyResource]) -> ResourceSet:
    """The set with `others` in the place of the resources with their keys, or beside those that it has."""
    further: dict[str, dict[str, AnyResource]] = {}
    for key, resource in others.items():
        further.setdefault(key.kind, {})[key.name] = resource
    digests = sorted(f"{key} {resource.digest}" for key, resource in others.items())
    kinds = sorted({*resources.kinds(), *further})
    builders = {kind: _builder(resources, kind, further.get(kind, {})) for kind in kinds}
    counts = {
        kind: len({**resources.of_kind(kind), **further[kind]})
        if kind in further
        else resources.kinds()[kind]
        for kind in kinds
    }
    return KindwiseResources(digest_of([resources.fingerprint, digests]), counts, builders)


def _builder(
    resources: ResourceSet, kind: str, further: Mapping[str, AnyResource]
) -> Callable[[], Mapping[str, AnyResource]]:
    def build() -> Mapping[str, AnyResource]:
        known = resources.of_kind(kind)
        return dict(sorted({**known, **further}.items())) if further else known

    return build
