"""What Stacks mean beyond their own text. Each part is in a room of its own, and all share one renderer."""

from collections.abc import Callable

from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.provider import Expansion, ProviderContext
from argos_gitops.providers.docker.compose.checking import stacks_checked
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.labels.expansion import routes_from_labels

_PARTS: tuple[Callable[[ResourceSet, ComposeRenderer], Expansion], ...] = (
    stacks_checked,
    routes_from_labels,
)


def expanded(resources: ResourceSet, context: ProviderContext) -> Expansion:
    """All of them together; what two of them find at one place is told once."""
    renderer = ComposeRenderer(context)
    found = [part(resources, renderer) for part in _PARTS]
    return Expansion(
        documents=[document for each in found for document in each.documents],
        problems=sorted({problem for each in found for problem in each.problems}),
        warnings=sorted({warning for each in found for warning in each.warnings}),
    )
