"""After loading: resources that follow from others, and rules that need more than the resources' own text."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from argos_gitops.manifests.derived import Deriver
from argos_gitops.manifests.loader import Loaded
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.manifests.resources import replaced
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.provider import Expansion, ProviderContext, ProviderSpec

_SECONDS = 600.0
"""For one revision, all its Stacks together; each of these has a limit of its own."""


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
        self._models = DocumentModels(registry.kinds)
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
        problems = [*loaded.problems, *(problem for each in found for problem in each.problems)]
        resources = loaded.resources
        deriver = Deriver(self._models, resources)
        for each in found:
            deriver.add(each.documents)
        problems += deriver.problems
        if deriver.resources:
            resources = replaced(resources, deriver.resources)
            if not problems:
                problems += [problem for check in self._registry.checks for problem in check(resources)]
        warnings = sorted([*loaded.warnings, *(warning for each in found for warning in each.warnings)])
        return replace(
            loaded, resources=resources, problems=tuple(sorted(problems)), warnings=tuple(warnings)
        )

    def _expansion(self, spec: ProviderSpec, resources: ResourceSet) -> Expansion:
        if spec.expand is None or not any(resources.kinds().get(model.kind) for model in spec.kinds):
            return Expansion()
        return spec.expand(resources, self._in_time(self._context(spec)))

    def _in_time(self, context: ProviderContext) -> ProviderContext:
        """Nobody waits for hours, whatever a revision holds: what was worked out is kept, and another attempt
        goes on from there."""
        deadline = time.monotonic() + _SECONDS
        return replace(context, deadline=min(deadline, context.deadline or deadline))
