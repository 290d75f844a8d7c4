"""The way to the forge that the Agent resource in force names."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from argos_gitops.model.agent import AgentSpec, agent_of
from argos_gitops.model.errors import ReportError, TransientError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import ResourceSet
from argos_gitops.model.source import Revision
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.secrets import Secrets
from argos_gitops.status.forge import gitea, github, gitlab
from argos_gitops.status.forge.api import Api, Dialect
from argos_gitops.status.forge.forge import Forge
from argos_gitops.status.forge.place import place_of

OpenForge = Callable[[ForgeSpec], Forge]
Recall = Callable[[], ResourceSet | None]
"""The resources that an earlier process applied: the newest revision may be the first that is rejected."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The newest good revision of the followed branch."""

    revision: Revision
    resources: ResourceSet


class ForgeAccess:
    """Shared by all that speak to the forge, so that a rate limit of one is heeded by the others."""

    def __init__(self, open_forge: OpenForge, clock: Clock, recall: Recall = lambda: None) -> None:
        self._open = open_forge
        self._clock = clock
        self._recall = recall
        self._lock = threading.Lock()
        self._forge: tuple[ForgeSpec, Forge] | None = None
        self._quiet_until: datetime | None = None
        self.agent: AgentSpec | None = None
        """The last one that was valid; None until there was any."""
        self.in_force: InForce | None = None

    @property
    def spec(self) -> ForgeSpec | None:
        return self.agent.forge if self.agent is not None else None

    def follow(self, resources: ResourceSet | None, revision: Revision | None = None) -> None:
        """Takes over what a revision says; one that was rejected says nothing, and the last good one counts.

        A revision that was asked for by its id, to go back to it, is no branch to merge into.
        """
        if resources is None and self.agent is None:
            resources, revision = self._recall(), None
        if resources is None:
            return
        self.agent = agent_of(resources)
        if revision is not None and revision.is_commit and revision.ref != revision.sha:
            self.in_force = InForce(revision, resources)

    @contextmanager
    def forge(self, spec: ForgeSpec) -> Iterator[Forge]:
        """The forge, until the block ends. Raises ReportError and TransientError alone.

        While the forge wants to be left alone, it is: TransientError (reason RateLimited) at once.
        """
        self._respect_the_limit()
        try:
            yield self._client(spec)
        except TransientError as error:
            if error.retry_after is not None:
                self._quiet_until = self._clock.now() + error.retry_after
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReportError(
                f"the forge's answer lacks what its API promises ({type(error).__name__}: {error}); "
                "check forge.type and forge.apiUrl",
                reason="ForgeNotUnderstood",
            ) from error

    def close(self) -> None:
        if self._forge is not None:
            self._forge[1].close()

    def _respect_the_limit(self) -> None:
        left = self._quiet_until - self._clock.now() if self._quiet_until else timedelta()
        if left > timedelta():
            raise TransientError(
                f"the forge had too many requests; it is asked again in {left.total_seconds():.0f} s",
                reason="RateLimited",
                retry_after=left,
            )

    def _client(self, spec: ForgeSpec) -> Forge:
        with self._lock:
            if self._forge is None or self._forge[0] != spec:
                self.close()
                self._forge = (spec, self._open(spec))
            return self._forge[1]


def forge_of(spec: ForgeSpec, repo: str, secrets: Secrets) -> Forge:
    """A client for what `spec` says; ReportError where it leaves out what the URL `repo` cannot tell."""
    place = place_of(spec, repo)

    def api(dialect: Dialect) -> Api:
        return Api(place.api_url, lambda: secrets.resolve(spec.token), dialect)

    if spec.type == "github":
        return github.GitHub(api(github.DIALECT), place)
    if spec.type == "gitlab":
        return gitlab.GitLab(api(gitlab.DIALECT), place)
    return gitea.Gitea(api(gitea.DIALECT), place)
