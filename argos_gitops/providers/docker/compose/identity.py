"""What a Stack's meaning depends on, as plain data: two that are equal here mean the same to Compose."""

from pathlib import Path
from typing import Any

from argos_gitops.model.resource import RESTARTED_ANNOTATION, Resource
from argos_gitops.providers.docker.kinds import StackSpec

_FORMAT = 4
"""Grows when what is made of a Stack changes without Compose having changed."""


def identity_of(stack: Resource[StackSpec]) -> list[Any]:
    """Without values of secrets: references to them, and the blobs of files that hold them."""
    spec = stack.spec
    environment = [
        [name, value if isinstance(value, str) else [str(value), value.blob]]
        for name, value in sorted(spec.environment.items())
    ]
    return [
        _FORMAT,
        str(Path.home()),
        stack.name,
        [spec.project, spec.files, spec.profiles, spec.env_files, spec.directory],
        environment,
        [list(file) for file in spec.path.files],
        spec.path.path,
        stack.annotations.get(RESTARTED_ANNOTATION, ""),
    ]
