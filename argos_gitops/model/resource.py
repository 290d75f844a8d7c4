"""Typed documents and the sets they come in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar, cast

from argos_gitops.model.problem import Location
from argos_gitops.model.spec import SpecModel

API_VERSION = "argos.dev/v1"
PRUNE_ANNOTATION = "argos.dev/prune"
SUSPEND_ANNOTATION = "argos.dev/suspend"
DRIFT_ANNOTATION = "argos.dev/drift"
DEPENDS_ANNOTATION = "argos.dev/dependsOn"
TAKE_OVER_ANNOTATION = "argos.dev/takeOver"
RESTARTED_ANNOTATION = "argos.dev/restartedAt"
DERIVED_ANNOTATION = "argos.dev/derivedFrom"
"""Stands on resources that nobody wrote, and names those they follow from; nobody may write it."""


def _nothing() -> Mapping[str, str]:
    """Made for each: Python 3.11 cannot hash a mapping proxy, and so takes none as a default."""
    return MappingProxyType({})


SpecT = TypeVar("SpecT", bound=SpecModel)


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """A resource's kind and name, written `Host/grafana`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "ResourceKey":
        """The key written as KIND/NAME; ValueError when it is not one."""
        kind, slash, name = text.partition("/")
        if not (kind and slash and name):
            raise ValueError(f"{text!r} is not of the form KIND/NAME, such as Host/grafana")
        return cls(kind, name)


@dataclass(frozen=True, slots=True)
class Resource(Generic[SpecT]):
    """One validated document. `digest` covers kind, name, labels, annotations and spec."""

    key: ResourceKey
    spec: SpecT
    location: Location
    digest: str
    labels: Mapping[str, str] = field(default_factory=_nothing)
    annotations: Mapping[str, str] = field(default_factory=_nothing)

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def suspended(self) -> bool:
        return self.annotations.get(SUSPEND_ANNOTATION) == "true"

    @property
    def depends_on(self) -> tuple[ResourceKey, ...]:
        """What must be ready at a revision before this is brought to it: targets for a target, Stacks for a
        Stack."""
        named = self.annotations.get(DEPENDS_ANNOTATION, "")
        return tuple(ResourceKey.parse(name) for name in named.replace(",", " ").split())

    @property
    def derived_from(self) -> str | None:
        """What it follows from (`Stack/wiki`); None for a resource that somebody wrote."""
        return self.annotations.get(DERIVED_ANNOTATION)

    @property
    def drift(self) -> str | None:
        """What is done about drift of what this resource makes; None where it does not say."""
        return self.annotations.get(DRIFT_ANNOTATION)

    @property
    def protected(self) -> bool:
        """Whether the objects of this resource outlive it (`argos.dev/prune: disabled`)."""
        return self.annotations.get(PRUNE_ANNOTATION) == "disabled"


AnyResource = Resource[SpecModel]


class ResourceSet(Protocol):
    """All resources of one revision. Implementations may build a kind only when it is asked for."""

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints mean equal resources; stable between processes."""
        ...

    def kinds(self) -> Mapping[str, int]:
        """How many resources there are of each kind."""
        ...

    def of_kind(self, kind: str) -> Mapping[str, AnyResource]:
        """The resources of one kind by name, in name order; empty for a kind without any."""
        ...

    def of(self, spec_model: type[SpecT]) -> Mapping[str, Resource[SpecT]]:
        """The same, typed: `resources.of(HostSpec)`."""
        ...

    def get(self, key: ResourceKey) -> AnyResource | None: ...

    def __iter__(self) -> Iterator[AnyResource]: ...

    def __len__(self) -> int: ...


class EagerResources:
    """A ResourceSet over resources that are already there."""

    def __init__(self, resources: Iterable[AnyResource], fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._kinds: dict[str, dict[str, AnyResource]] = {}
        for resource in sorted(resources, key=lambda resource: resource.key):
            self._kinds.setdefault(resource.key.kind, {})[resource.key.name] = resource

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def kinds(self) -> Mapping[str, int]:
        return {kind: len(named) for kind, named in self._kinds.items()}

    def of_kind(self, kind: str) -> Mapping[str, AnyResource]:
        return self._kinds.get(kind, {})

    def of(self, spec_model: type[SpecT]) -> Mapping[str, Resource[SpecT]]:
        return cast("Mapping[str, Resource[SpecT]]", self.of_kind(spec_model.kind))

    def get(self, key: ResourceKey) -> AnyResource | None:
        return self.of_kind(key.kind).get(key.name)

    def __iter__(self) -> Iterator[AnyResource]:
        for named in self._kinds.values():
            yield from named.values()

    def __len__(self) -> int:
        return sum(len(named) for named in self._kinds.values())
