"""Stacks under policies, rendered by the real Compose."""

from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec
from tests.fakes import resource
from tests.providers.docker.compose.stacks import Surroundings


@pytest.fixture
def around(tmp_path: Path, compose: Path) -> Surroundings:
    return Surroundings(tmp_path, compose)


def policy(name: str = "standard", **spec: Any) -> AnyResource:
    """A ContainerPolicy in the words of YAML."""
    return resource("ContainerPolicy", name, ContainerPolicySpec.model_validate(spec))
