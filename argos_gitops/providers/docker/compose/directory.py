"""Under which name, and from which folder of its host, a Stack runs."""

import posixpath

from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.kinds import StackSpec


def project_of(stack: Resource[StackSpec]) -> str:
    """Compose's name of the project."""
    return stack.spec.project or stack.name


def directory_of(stack: Resource[StackSpec], context: ProviderContext) -> str:
    """The folder on the Docker host that relative paths count from; the same for every revision."""
    if stack.spec.directory is not None:
        return "/" + posixpath.normpath(stack.spec.directory).lstrip("/")
    return str((context.state_dir / "stacks" / stack.spec.host / project_of(stack)).absolute())
