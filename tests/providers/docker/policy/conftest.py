"""Stacks under policies, rendered by the real Compose."""

from typing import Any

from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec
from tests.fakes import resource


def policy(name: str = "standard", **spec: Any) -> AnyResource:
    """A ContainerPolicy in the words of YAML."""
    return resource("ContainerPolicy", name, ContainerPolicySpec.model_validate(spec))
