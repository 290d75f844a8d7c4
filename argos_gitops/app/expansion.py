"""After loading: resources that follow from others, and rules that need more than the resources' own text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from argos_gitops.manifests.loader import Loaded
from argos_gitops.manifests.problems import Code
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.resources import KindwiseResources
from argos_gitops.model.objects import digest_of
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource, ResourceSet
from argos_gitops.ports.provider import Expansion, ProviderContext, ProviderSpec


class Expansions:
    """Asks each provider what a revision means beyond its text. Remembers the last answer."""

    def __init__(
        self,
        specs: Sequence[ProviderSpec],
        registry: KindRegistry,
        context: Callable[[ProviderSpec], ProviderContext],
    ) -> None:
        self._specs = [spec for spec in specs if spec.expand is not None]
        self._registry = registry
        self._context = context
        self._last: tuple[str, Loaded] | None = None

    def of(self, loaded: Loaded) -> Loaded:
        """The revision with all that follows from it; what a provider raises comes through."""
        fingerprint = loaded.resources.fingerprint
        if self._last is None or self._last[0] != fingerprint or loaded.problems:
            expanded = self._expanded(loaded)
            if loaded.problems:
                return expanded
            self._last = (fingerprint, expanded)
        return self._last[1]

    def _expanded(self, loaded: Loaded) -> Loaded:
        found = [self._expansion(spec, loaded.resources) for spec in self._specs]
        derived = [resource for each in found for resource in each.resources]
        problems = [*loaded.problems, *(problem for each in found for problem in each.problems)]
        resources = loaded.resources
        if derived:
            problems += _taken(derived, resources)
            resources = _together(resources, derived)
            if not problems:
                problems += [problem for check in self._registry.checks for problem in check(resources)]
        return replace(loaded, resources=resources, problems=tuple(sorted(problems)))

    def _expansion(self, spec: ProviderSpec, resources: ResourceSet) -> Expansion:
        if spec.expand is None or not any(resources.kinds().get(model.kind) for model in spec.kinds):
            return Expansion()
        return spec.expand(resources, self._context(spec))


def _taken(derived: Iterable[AnyResource], resources: ResourceSet) -> Iterable[Problem]:
    for resource in derived:
        known = resources.get(resource.key)
        if known is not None:
            message = f"{resource.key} is defined at {known.location} already; rename or remove one of them"
            yield Problem(resource.location, Code.DUPLICATE_RESOURCE, message)


def _together(resources: ResourceSet, derived: Sequence[AnyResource]) -> ResourceSet:
    """Kinds that nothing was derived of stay as lazy as they were."""
    further: dict[str, dict[str, AnyResource]] = {}
    for resource in derived:
        further.setdefault(resource.key.kind, {})[resource.key.name] = resource
    fingerprint = digest_of([resources.fingerprint, sorted(resource.digest for resource in derived)])
    kinds = sorted({*resources.kinds(), *further})
    builders = {kind: _builder(resources, kind, further.get(kind, {})) for kind in kinds}
    new = {kind: named.keys() - resources.of_kind(kind).keys() for kind, named in further.items()}
    counts = {kind: resources.kinds().get(kind, 0) + len(new.get(kind, ())) for kind in kinds}
    return KindwiseResources(fingerprint, counts, builders)


def _builder(
    resources: ResourceSet, kind: str, further: Mapping[str, AnyResource]
) -> Callable[[], Mapping[str, AnyResource]]:
    def build() -> Mapping[str, AnyResource]:
        known = resources.of_kind(kind)
        return dict(sorted({**further, **known}.items())) if further else known

    return build
