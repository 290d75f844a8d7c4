"""DockerHosts as resources."""

from typing import Any

from pydantic import create_model

from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.docker.settings import DockerSettings
from tests.fakes import resource

HOST = ResourceKey("DockerHost", "nas")

_DockerHostSpec = create_model("DockerHostSpec", __base__=SpecModel, docker=(DockerSettings | None, None))


def docker_host(name: str = HOST.name, **docker: Any) -> AnyResource:
    """With this `docker:` section, in the words of YAML."""
    return resource("DockerHost", name, _DockerHostSpec.model_validate({"docker": docker}))
