"""A Stack as `docker compose config` shows it, without an engine and without a secret."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.problem import Location
from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.kinds import StackSpec

Place = Callable[[tuple[str | int, ...]], Location]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Compose makes of a Stack.

    `model` is what `docker compose config --format json` gives, with `(secret NAME)` wherever a secret's
    value would stand. Paths in it are absolute: relative ones count from `directory`, the folder on
    the Docker host that the Stack's files lie in.
    """

    project: str
    directory: str
    model: Mapping[str, Any]
    places: Place

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services that run (without those of other profiles), by name."""
        return self.model.get("services") or {}

    def place(self, *path: str | int) -> Location:
        """Where the user's own files say this, for a path in the model.

        `place("services", "web", "labels", "traefik.enable")` has a line and a column in the Compose file
        that sets the label, the last one where several do, included and extended ones too. What is not
        found is looked for one step up: then it is the service, a file, at last the Stack's own document.
        """
        return self.places(path)


class ComposeRenderer:
    """Renders Stacks; each once for each content, in this process and in those to come.

    Nothing secret is read, so that anybody can validate. Results lie in `context.cache_dir`.
    """

    def __init__(self, context: ProviderContext) -> None:
        self._context = context

    def render(self, stack: Resource[StackSpec]) -> Rendered:
        """Raises ComposeError when Compose refuses it, or there is no Compose."""
        raise NotImplementedError
