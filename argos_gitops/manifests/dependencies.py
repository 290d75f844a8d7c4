"""The rule for `argos.dev/dependsOn`: what is depended on exists, and nothing depends on itself."""

from collections.abc import Iterator

from argos_gitops.manifests.problems import Code
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import DEPENDS_ANNOTATION, AnyResource, ResourceKey, ResourceSet


def dependencies_can_be_met(resources: ResourceSet) -> Iterator[Problem]:
    """A target that depends on a missing one, or on itself over others, would wait for ever."""
    for resource in resources:
        if DEPENDS_ANNOTATION not in resource.annotations:
            continue
        for wanted in resource.depends_on:
            if resources.get(wanted) is None:
                yield _problem(resource, Code.MISSING_REFERENCE, f"{wanted}, which does not exist")
            elif _leads_to(resource.key, wanted, resources, set()):
                yield _problem(resource, Code.DEPENDENCY_LOOP, f"{wanted}, which depends on it in turn")


def _leads_to(goal: ResourceKey, start: ResourceKey, resources: ResourceSet, seen: set[ResourceKey]) -> bool:
    found = resources.get(start)
    if start == goal or found is None or start in seen:
        return start == goal
    seen.add(start)
    return any(_leads_to(goal, following, resources, seen) for following in found.depends_on)


def _problem(resource: AnyResource, code: Code, what: str) -> Problem:
    return Problem(resource.location, code, f"{resource.key} depends on {what} ({DEPENDS_ANNOTATION})")
