"""The pass: fetch, load, observe, plan, guard, apply, verify, report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from argos_gitops.model.errors import ArgosError, ManifestError
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.ports.provider import DesiredState, KeepsAlive
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import SourceState
from argos_gitops.reconcile.conclude import conclude
from argos_gitops.reconcile.look import Desired
from argos_gitops.reconcile.onepass import OnePass
from argos_gitops.reconcile.parts import Approve, Parts
from argos_gitops.reconcile.systems import System
from argos_gitops.reconcile.trip import Outlook, Trip


class Reconciler:
    """Runs passes over one source: over all targets at once, or over one of them.

    Passes over different targets may run side by side, those over one target one after the other.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rejected: ArgosError | None = None

    def plan(self, rev: str | None = None, *, whole: bool = False) -> Outlook:
        """Looks and plans; writes nothing. `whole` compiles even what is known to be converged.

        Raises SourceError or ManifestError when it cannot.
        """
        trip = Trip(self._parts.clock.now())
        self._parts.systems.observe_ahead()
        desired = replace(self._fetch_and_load(trip, rev), whole=whole)
        plan = OnePass(self._parts, trip, desired).look(self._systems(desired))
        return Outlook(desired.state.resources, plan, trip.looks)

    def apply(self, approve: Approve, rev: str | None = None) -> PassResult:
        """One whole pass. `approve` is asked once the plan is known.

        Every way out is reported first. Raises what `plan` does, UnsafePlanError when the guard
        blocks, StalePlanError when the world moved, TransientError (Locked) when another process is at it.
        """
        trip = Trip(self._parts.clock.now())
        self._parts.systems.observe_ahead()
        try:
            desired = self._fetch_and_load(trip, rev)
            systems = self._systems(desired)
            targets = {system.target.key for system in systems}
            OnePass(self._parts, trip, desired).run(systems, targets, approve)
        except BaseException as error:
            trip.error = error
            conclude(trip, self._parts)
            raise
        return conclude(trip, self._parts)

    def read(self, rev: str | None = None) -> Desired:
        """The newest revision, or the one that `rev` names, for passes over single targets.

        A failure is reported. Raises SourceError or ManifestError.
        """
        trip = Trip(self._parts.clock.now())
        try:
            desired = self._fetch_and_load(trip, rev)
        except ArgosError as error:
            trip.error = self._rejected = error
            conclude(trip, self._parts)
            raise
        return replace(desired, events=tuple(trip.events), durations=dict(trip.durations))

    def reread(self, rev: str) -> Desired:
        """A revision that was in force before. Whether it can be had is nobody's news; raises as `read`."""
        return self._fetch_and_load(Trip(self._parts.clock.now()), rev)

    def accept(self, desired: Desired) -> None:
        """From now on this revision is the one in force, and passes over its targets say so."""
        status, known = self._parts.status, self._parts.status.source()
        if self._rejected is not None or known.result:
            status.set_source(SourceState(synced=known.synced))
            status.set_reported("", None)
        self._rejected = None
        targets = self.targets(desired)
        status.keep_targets({*targets, *self._parts.scheduled(desired.state.resources)})
        if not targets:
            conclude(self._trip(desired), self._parts)

    def targets(self, desired: Desired) -> tuple[ResourceKey, ...]:
        """Those of the revision, and those that left git but are not emptied yet."""
        remembered = {key.target for key in self._parts.inventory.systems()}
        return tuple(sorted(self._parts.systems.targets(desired.state.resources) | remembered))

    def over(self, desired: Desired, target: ResourceKey, approve: Approve) -> PassResult:
        """A pass over one target, with a revision that was read before.

        Every way out is reported first. Raises what `apply` does once it has a revision.
        """
        trip = replace(self._trip(desired), target=target)
        try:
            systems = self._parts.systems.of(desired.state.resources, self._remembered(), target)
            OnePass(self._parts, trip, desired).run(systems, {target}, approve)
        except BaseException as error:
            trip.error = error
            conclude(trip, self._parts)
            raise
        return conclude(trip, self._parts)

    def systems_of(self, desired: Desired, target: ResourceKey) -> Sequence[System]:
        """To watch them between passes."""
        return self._parts.systems.of(desired.state.resources, self._remembered(), target)

    def renewal_of(self, target: ResourceKey) -> datetime | None:
        """When something on this target must be written again although it is right."""
        states = (self._parts.inventory.converged(key) for key in self._parts.systems.bound(target))
        return min((state.until for state in states if state and state.until), default=None)

    def keepers_alive(self, target: ResourceKey) -> Sequence[tuple[SystemKey, KeepsAlive]]:
        return self._parts.systems.keepers_alive(target)

    def release(self, target: ResourceKey) -> None:
        """Closes what is open to a target that nobody passes over any more."""
        self._parts.systems.release(target)

    def close(self) -> None:
        self._parts.systems.close()

    def _trip(self, desired: Desired) -> Trip:
        return Trip(
            self._parts.clock.now(),
            rejected=self._rejected,
            instead_of=desired.instead_of,
            revision=desired.revision,
            events=desired.events,
            resources=desired.state.resources,
            orders=desired.orders,
        )

    def _fetch_and_load(self, trip: Trip, rev: str | None) -> Desired:
        trip.orders = self._parts.orders(trip.at)
        with trip.phase("fetch"):
            snapshot = self._parts.source.fetch(rev)
        trip.revision, trip.events = snapshot.revision, tuple(snapshot.events)
        with trip.phase("load"):
            loaded = self._parts.load(snapshot)
        if loaded.problems:
            raise ManifestError(loaded.problems)
        trip.resources = loaded.resources
        return Desired(
            snapshot.revision,
            DesiredState(loaded.resources),
            self._parts.build,
            trip.at,
            self._parts.status.exceptions,
            self._parts.digest_key(),
            orders=trip.orders,
            addresses=self._parts.addresses,
            snapshot=snapshot,
        )

    def _systems(self, desired: Desired) -> tuple[System, ...]:
        return self._parts.systems.of(desired.state.resources, self._remembered())

    def _remembered(self) -> Mapping[SystemKey, AnyResource]:
        parse = self._parts.documents.parse
        return {key: parse(document) for key, document in self._parts.inventory.systems().items()}
