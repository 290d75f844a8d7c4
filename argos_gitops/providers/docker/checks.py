"""What a schema cannot say of the Stacks and Networks of a whole revision."""

from collections.abc import Iterator

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import DEPENDS_ANNOTATION, Resource, ResourceSet
from argos_gitops.ports.provider import Check
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec


def projects_are_declared_once(resources: ResourceSet) -> Iterator[Problem]:
    """Two Stacks with one Compose project on one host would undo each other's work."""
    seen: dict[tuple[str, str], Resource[StackSpec]] = {}
    for stack in resources.of(StackSpec).values():
        project = stack.spec.project or stack.name
        first = seen.setdefault((stack.spec.host, project), stack)
        if first is not stack:
            yield Problem(
                stack.location,
                "DuplicateProject",
                f"{stack.key} is the Compose project {project} on DockerHost/{stack.spec.host}, and so is "
                f"{first.key} at {first.location}; give one of them another `project`",
            )


def networks_are_declared_once(resources: ResourceSet) -> Iterator[Problem]:
    """By their name on the host."""
    seen: dict[tuple[str, str], Resource[NetworkSpec]] = {}
    for network in resources.of(NetworkSpec).values():
        name = network.spec.name or network.name
        first = seen.setdefault((network.spec.host, name), network)
        if first is not network:
            yield Problem(
                network.location,
                "DuplicateNetwork",
                f"{network.key} is the network {name} on DockerHost/{network.spec.host}, and so is "
                f"{first.key} at {first.location}; keep one of them",
            )


def stacks_depend_on_stacks_beside_them(resources: ResourceSet) -> Iterator[Problem]:
    """One pass is over one host, so that nobody can wait for a Stack of another; hosts can, as a whole.

    A Stack that does not exist at all is found with all dependencies.
    """
    stacks = resources.of(StackSpec)
    for stack in stacks.values():
        for wanted in stack.depends_on:
            other = stacks.get(wanted.name) if wanted.kind == StackSpec.kind else None
            beside = other is not None and other.spec.host == stack.spec.host
            if not beside and resources.get(wanted) is not None:
                yield Problem(
                    stack.location,
                    "DependencyElsewhere",
                    f"{stack.key} depends on {wanted} ({DEPENDS_ANNOTATION}), which is no Stack of "
                    f"DockerHost/{stack.spec.host}; let the DockerHost itself depend on another target",
                )


CHECKS: tuple[Check, ...] = (
    projects_are_declared_once,
    networks_are_declared_once,
    stacks_depend_on_stacks_beside_them,
)
