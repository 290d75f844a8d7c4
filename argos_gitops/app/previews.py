"""Plans of revisions that nobody merged: what merging a pull request would change.

The author of such a revision is not trusted. The plan is made by an Application of its own that writes
nothing. Targets are reached as the revision in force defines them, with its credentials and no others.
Every secret that the unmerged revision names is a placeholder.

The plan compares the unmerged revision with the one in force, and with nothing that a target holds: there the
secrets stand as they are, and who could see his own text compared with one of them could guess it.
"""

import copy
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial

from argos_gitops.app.application import Application
from argos_gitops.manifests.secrets import secret_refs
from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import (
    GitError,
    ManifestError,
    ReportError,
    SourceError,
    TerminalError,
    TransientError,
)
from argos_gitops.model.objects import (
    Content,
    InventoryEntry,
    LiveObject,
    ManagedObject,
    ObjectSet,
    digest_of,
)
from argos_gitops.model.plan import Failure, Plan, SystemKey
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.model.secret import NOT_RESOLVED, PLACEHOLDER
from argos_gitops.planning.render import markdown, problems
from argos_gitops.ports.lock import Hold
from argos_gitops.ports.provider import (
    DesiredState,
    LiveState,
    Network,
    Provider,
    ProviderContext,
    ProviderSpec,
    Target,
    Watch,
)
from argos_gitops.ports.secrets import Secrets
from argos_gitops.ports.store import Converged, Inventory
from argos_gitops.secrets.placeholders import OnlyNamed, Placeholders
from argos_gitops.status.forge.access import InForce
from argos_gitops.status.forge.forge import PullRequest
from argos_gitops.status.open import open_mirror
from argos_gitops.vcs.merging import merged

SECONDS = 180.0
"""For all that Compose is asked for one preview: others wait for theirs, and the agent for all of them."""


class Previewer:
    """Plans one pull request after the other, each with an Application that is closed afterwards."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, pull: PullRequest, in_force: InForce) -> str:
        with closing(Preview(self._application, in_force)) as preview:
            try:
                return _previewed(preview, pull, in_force)
            except ManifestError as error:
                return problems.markdown(error.problems)
            except (GitError, SourceError) as error:
                return f"There is no plan: {markdown.escape(str(error))}\n"


class Preview(Application):
    """An Application for one unmerged revision, with the settings of `base` and the targets of `in_force`."""

    def __init__(self, base: Application, in_force: InForce) -> None:
        super().__init__(base.settings, base.environment, base.progress)
        self._in_force = resources = in_force.resources
        self._trusted = {**base.remembered_targets(), **_targets_of(resources, self._target_kinds)}
        named = {ref for target in self._trusted.values() for ref in secret_refs(target.spec)}
        self._credentials_of_targets = OnlyNamed(base.secrets, named)
        self.secrets: Secrets = Placeholders(self._vault.content)
        self._deadline = time.monotonic() + SECONDS
        self._applied = InventoryInForce(in_force.revision.sha, base.now())

    @cached_property
    def specs(self) -> Sequence[ProviderSpec]:
        """Their providers are bound to targets as the revision in force has them, whatever is proposed."""
        return [replace(spec, factory=self._bound(spec)) for spec in super().specs]

    @property
    def inventory(self) -> Inventory:
        return self._applied

    def provider_context(self, spec: ProviderSpec) -> ProviderContext:
        context = super().provider_context(spec)
        return replace(
            context, target_secrets=self._credentials_of_targets, preview=True, deadline=self._deadline
        )

    def moved(self, proposed: ResourceSet) -> Sequence[ResourceKey]:
        """The targets that a revision adds, changes or takes away: it is not planned, as it would have to
        be asked at an address, or with credentials, that nobody merged."""
        return [*moved_targets(self._target_kinds, proposed, self._in_force)]

    @property
    def _target_kinds(self) -> frozenset[str]:
        return frozenset(spec.target_kind for spec in super().specs)

    def _bound(self, spec: ProviderSpec) -> Callable[[Target, ProviderContext], Provider]:
        def factory(target: Target, context: ProviderContext) -> Provider:
            trusted = self._trusted.get(target.key)
            if trusted is None:
                raise TerminalError(f"{target.key} is not merged", reason="TargetNotMerged")
            provider, system = spec.factory(Target(trusted), context), SystemKey(target.key, spec.name)
            return Unmerged(provider, DesiredState(self._in_force), partial(self._applied.know, system))

        return factory


class InventoryInForce:
    """Implements ports.store.Inventory, as if the revision in force had been applied with its placeholders.

    Digests of what was applied are digests of secrets, and tell as much as the target itself.
    """

    def __init__(self, revision: str, now: datetime) -> None:
        self._revision = revision
        self._now = now
        self._entries: dict[SystemKey, Mapping[str, InventoryEntry]] = {}

    def know(self, system: SystemKey, objects: ObjectSet) -> None:
        """What the revision in force wants of a system."""
        self._entries[system] = {
            key: InventoryEntry(key, each.owner, each.digest, each.protected, self._revision, self._now)
            for key, each in objects.items()
        }

    def under(self, hold: Hold) -> Inventory:
        return self

    def entries(self, system: SystemKey) -> Mapping[str, InventoryEntry]:
        return self._entries.get(system, {})

    def record(self, system: SystemKey, applied: Sequence[InventoryEntry], removed: Sequence[str]) -> None:
        raise _not_merged()

    def converged(self, system: SystemKey) -> Converged | None:
        return None

    def set_converged(self, system: SystemKey, state: Converged | None) -> None:
        raise _not_merged()

    def systems(self) -> Mapping[SystemKey, bytes]:
        return {}

    def remember_system(self, system: SystemKey, document: bytes) -> None:
        raise _not_merged()

    def forget_system(self, system: SystemKey) -> None:
        raise _not_merged()


class AsInForce:
    """Implements ports.provider.LiveState: a target as the revision in force describes it, with placeholders.

    `seen` is what the provider saw, which tells it what the target is able to do.
    """

    def __init__(self, seen: LiveState, in_force: ObjectSet) -> None:
        self.objects: Mapping[str, LiveObject] = {
            key: LiveObject(key, each.content, owned=True, owner=each.owner) for key, each in in_force.items()
        }
        self.fingerprint = digest_of({key: each.digest for key, each in in_force.items()})
        self.notices = seen.notices
        self.seen = copy.copy(seen)
        vars(self.seen)["objects"] = self.objects  # which each provider works out when first asked for them


class Unmerged:
    """A Provider that plans what an unmerged revision changes, compared with the one in force.

    A value that is a placeholder on both sides is the same on both. Nothing is ever applied.
    """

    def __init__(self, provider: Provider, in_force: DesiredState, know: Callable[[ObjectSet], None]) -> None:
        self._provider = provider
        self._in_force = in_force
        self._know = know

    def observe(self) -> AsInForce:
        """Raises ProviderError where the target does not answer."""
        seen = self._provider.observe()
        # A copy, as live states remember what they were compared with.
        before = self._provider.compile(self._in_force, copy.copy(seen))
        self._know(before)
        return AsInForce(seen, before)

    def fingerprint(self, desired: DesiredState) -> str:
        return self._provider.fingerprint(desired)

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        known = _as_in_force(live)
        after = self._provider.compile(desired, known.seen)
        return {key: _unless_renewed(each, known.objects.get(key)) for key, each in after.items()}

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        return self._provider.notices(desired)

    def fields(self, content: Content) -> Mapping[str, str]:
        shown = self._provider.fields(content)
        return {label: PLACEHOLDER.sub(NOT_RESOLVED, text) for label, text in shown.items()}

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        return {}

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        return Unsayable("it is not merged")

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        return self._provider.hazards(changes, protected)

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        raise _not_merged()

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Asks nobody: hosts and addresses are named by the revision."""
        return iter(())

    def watches(self) -> Sequence[Watch]:
        return ()

    def moved(self, watch: str) -> bool:
        return True

    def close(self) -> None:
        self._provider.close()


def moved_targets(
    kinds: frozenset[str], proposed: ResourceSet, in_force: ResourceSet
) -> Iterator[ResourceKey]:
    """The targets that a revision adds, changes or takes away."""
    for kind in sorted(kinds):
        before, after = in_force.of_kind(kind), proposed.of_kind(kind)
        for name in sorted({*before, *after}):
            old, new = before.get(name), after.get(name)
            if old is None or new is None or old.digest != new.digest:
                yield ResourceKey(kind, name)


def _targets_of(resources: ResourceSet, kinds: frozenset[str]) -> Mapping[ResourceKey, AnyResource]:
    return {each.key: each for kind in kinds for each in resources.of_kind(kind).values()}


def _not_merged() -> TerminalError:
    return TerminalError("an unmerged revision is not applied", reason="NotMerged")


def _as_in_force(live: LiveState) -> AsInForce:
    if not isinstance(live, AsInForce):
        raise TypeError("a live state of another provider")
    return live


def _unless_renewed(after: ManagedObject, before: LiveObject | None) -> ManagedObject:
    """What is renewed anyway is no change of the revision."""
    same = before is not None and before.content == after.content
    return replace(after, renew_at=None, renewal="") if same else after


def _previewed(preview: Preview, pull: PullRequest, in_force: InForce) -> str:
    request = preview.source_request
    mirror = open_mirror(request.repo, request.cache, request.credentials)
    if mirror is None:
        raise ReportError("a folder has no pull requests; follow the repository by its URL")
    sha = merged(mirror, in_force.revision.ref, pull.branch)
    try:
        loaded = preview.load(preview.source.fetch(sha))
    except TransientError as error:  # no target was asked: it would take as long again with each attempt
        return (
            f"There is no plan: {markdown.escape(str(error))}\n"
            "The next commit, here or on the followed branch, is looked at again.\n"
        )
    if loaded.problems:
        raise ManifestError(loaded.problems)
    moved = [str(key) for key in preview.moved(loaded.resources)]
    if moved:
        return (
            f"Valid. It changes {markdown.escape(', '.join(moved))} and is therefore not planned: nobody but "
            "the followed branch says where the agent goes with its credentials.\n"
        ) + (f"\n{problems.markdown((), loaded.warnings)}" if loaded.warnings else "")
    plan: Plan = preview.plan(sha)
    return markdown.render(plan, preview.now())
