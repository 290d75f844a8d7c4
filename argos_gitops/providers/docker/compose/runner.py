"""What `docker compose` does on one Docker host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext, Target
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.settings import DockerSettings

FILES_LABEL = "argos.dev/files"
"""Label of a service's containers: which files of the repository it mounts (a digest of their blobs).

Compose takes no notice of what is in a mounted file, so that this is what makes a service with a
changed file another one. A service that sets the label itself is left as it is.
"""


@dataclass(frozen=True, slots=True)
class Hashes:
    """Compose's own config hash of each service, as `up` writes it to `com.docker.compose.config-hash`.

    `inputs` identifies all that they were made of, secret values too, by a keyed digest: it tells
    nothing, and differs when a secret was rotated.
    """

    by_service: Mapping[str, str]
    inputs: str


class ComposeRunner:
    """`docker compose`, bound to one host. For several threads, each with another Stack.

    Every method raises ProviderError: ComposeError for what Compose refuses, TransientError for an engine
    that is away and for what takes too long, TerminalError with one clear sentence for the rest. No
    secret is in an argument, a log, an error, or anything that is given back.
    """

    def __init__(self, target: Target, settings: DockerSettings, context: ProviderContext) -> None:
        self._target = target
        self._settings = settings
        self._context = context

    def hashes(self, stack: Resource[StackSpec]) -> Hashes:
        """Of the services that run; asks no engine, writes nothing on the host.

        A Stack whose files, values and secrets were seen before starts no process, not even in the next
        process of the agent. Raises SettingsError when a secret is missing.
        """
        raise NotImplementedError

    def up(self, stack: Resource[StackSpec], services: Sequence[str] = ()) -> None:
        """Puts the files in place and brings these services (by default all) to what they should be.

        What is as it should be is not touched; what a service depends on is started before it. Does not
        wait for health. Orphans are removed where the Stack says so. Shows each service's state.
        """
        raise NotImplementedError

    def pull(self, stack: Resource[StackSpec], services: Sequence[str] = ()) -> None:
        """Pulls the images of these services, those that have a `build` section left out."""
        raise NotImplementedError

    def build(self, stack: Resource[StackSpec], services: Sequence[str] = ()) -> None:
        """Builds the images of those services that have a `build` section."""
        raise NotImplementedError

    def restart(self, project: str, services: Sequence[str] = ()) -> None:
        """Restarts containers as they are; needs no files."""
        raise NotImplementedError

    def down(self, project: str, services: Sequence[str] = ()) -> None:
        """Stops and removes the containers of these services, or of the whole project with its networks.

        Needs no files. Volumes stay.
        """
        raise NotImplementedError

    def logs(self, project: str, service: str, tail: int = 20) -> Sequence[str]:
        """The last lines of a service's containers, masked; empty when there are none."""
        raise NotImplementedError

    def forget(self, project: str) -> None:
        """Removes what we wrote of a project that is gone from the host; what its containers wrote stays."""
        raise NotImplementedError

    def close(self) -> None:
        """Removes keys and certificates of the connection."""
        raise NotImplementedError
