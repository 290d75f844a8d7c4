"""What a Schedule is for. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, ResourceSet
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.schedules import Selection

HOST_KIND = "DockerHost"


def stacks_of(resources: ResourceSet, select: Selection) -> list[Resource[StackSpec]]:
    """The selected Stacks that are not suspended, in the order of their names."""
    return [
        stack
        for stack in resources.of(StackSpec).values()
        if (not select.stacks or stack.name in select.stacks)
        and (not select.hosts or stack.spec.host in select.hosts)
        and not stack.suspended
    ]


def hosts_of(resources: ResourceSet, select: Selection) -> list[AnyResource]:
    """The selected hosts: those named, or those of the Stacks named, or all."""
    known = resources.of_kind(HOST_KIND)
    stacks = resources.of(StackSpec)
    named = set(select.hosts) or {stacks[name].spec.host for name in select.stacks if name in stacks}
    return [host for name, host in known.items() if not named or name in named]


def services_of(services: Mapping[str, Any], select: Selection) -> Sequence[str]:
    """Those that are selected of a Stack's services."""
    return [name for name in services if not select.services or name in select.services]


def host_key(stack: Resource[StackSpec]) -> ResourceKey:
    return ResourceKey(HOST_KIND, stack.spec.host)
