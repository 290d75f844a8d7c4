"""What the composition has to do with the forge: passes told, changes proposed, pull requests planned."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from argos_gitops.manifests.loader import Loaded
from argos_gitops.model.errors import SourceError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.proposal import Proposer
from argos_gitops.ports.report import Reporter
from argos_gitops.ports.source import Snapshot
from argos_gitops.sources.open import open_source
from argos_gitops.status.forge.access import ForgeAccess, forge_of
from argos_gitops.status.forge.forge import Forge
from argos_gitops.status.forge.previews import PullRequestPlans
from argos_gitops.status.forge.proposals import ConfigRepository, Proposals
from argos_gitops.status.forge.reporter import ForgeReporter
from argos_gitops.status.open import open_offer

if TYPE_CHECKING:
    from argos_gitops.app.application import Application


class ForgeParts:
    """All that goes through the one ForgeAccess of a process. `try_load` leaves what is in force alone."""

    def __init__(self, application: "Application", try_load: Callable[[Snapshot], Loaded]) -> None:
        self._application = application
        self._try_load = try_load
        self._instance = application.settings.instance
        self._access = ForgeAccess(self._open, application.clock, self._last_good)

    @cached_property
    def reporter(self) -> Reporter:
        return ForgeReporter(self._instance, self._access)

    @cached_property
    def proposals(self) -> Proposer:
        """Branches and pull requests with changes of the configuration, for people to merge."""
        request = self._application.source_request
        repository = ConfigRepository(
            lambda name: open_offer(request.repo, name, request.cache, request.credentials),
            "" if request.folder == "." else request.folder,
            request.ref,
            signed=request.verification is not None,
        )
        return Proposals(self._instance, repository, self._access, self._application.clock)

    @cached_property
    def plans(self) -> PullRequestPlans:
        """To be asked to look now and then: says on open pull requests what merging them would change."""
        from argos_gitops.app.previews import Previewer

        return PullRequestPlans(self._instance, self._access, Previewer(self._application))

    def close(self) -> None:
        self._access.close()

    def _open(self, spec: ForgeSpec) -> Forge:
        return forge_of(spec, self._application.settings.repo, self._application.secrets)

    def _last_good(self) -> ResourceSet | None:
        """What an earlier process applied, if it can still be had."""
        sha = self._application.statuses.revisions().applied
        if sha is None:
            return None
        try:
            return self._try_load(open_source(self._application.source_request).fetch(sha)).resources
        except SourceError:
            return None
