"""What Stacks mean beyond their own text. Each part is in a room of its own, and all share one renderer."""

from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.provider import Expansion, ProviderContext
from argos_gitops.providers.docker.compose.checking import stacks_checked
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.labels.expansion import routes_from_labels
from argos_gitops.providers.docker.policy.files import policies_expanded
from argos_gitops.providers.docker.policy.judging import Judge


def expanded(resources: ResourceSet, context: ProviderContext) -> Expansion:
    """All of them together; what two of them find at one place is told once."""
    renderer = ComposeRenderer(context)
    judge = Judge.of(resources, context.clock.now().date())
    found = [
        stacks_checked(resources, renderer),
        routes_from_labels(resources, renderer),
        policies_expanded(resources, renderer, judge),
    ]
    return Expansion(
        documents=[document for each in found for document in each.documents],
        problems=sorted({problem for each in found for problem in each.problems}),
        warnings=sorted({warning for each in found for warning in each.warnings}),
    )
