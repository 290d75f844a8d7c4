"""After loading: resources that follow from others, and rules that need more than the resources' own text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from argos_gitops.manifests.loader import Loaded
from argos_gitops.manifests.problems import Code
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.resources import replaced
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
            written = {each.key for each in derived if resources.get(each.key) is not None}
            resources = replaced(resources, {each.key: each for each in derived if each.key not in written})
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
