"""The pass: fetch, load, observe, plan, guard, apply, verify, report."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from argos_gitops.model.errors import ManifestError, StalePlanError
from argos_gitops.model.plan import Plan
from argos_gitops.planning.guard import enforce
from argos_gitops.planning.plan import assemble
from argos_gitops.ports.provider import DesiredState
from argos_gitops.ports.report import PassResult
from argos_gitops.reconcile.act import Acted, act_on
from argos_gitops.reconcile.conclude import conclude
from argos_gitops.reconcile.look import Desired, Look, look_at
from argos_gitops.reconcile.parallel import side_by_side
from argos_gitops.reconcile.parts import Approval, Approve, Parts
from argos_gitops.reconcile.systems import System
from argos_gitops.reconcile.trip import Outlook, Trip

_ATTEMPTS = 4
"""How often a system may move between observing and writing before the pass gives up."""


class Reconciler:
    """Runs passes over one source. One instance may run many, one after the other."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def plan(self, rev: str | None = None, *, whole: bool = False) -> Outlook:
        """Looks and plans; writes nothing. `whole` compiles even what is known to be converged.

        Raises SourceError or ManifestError when it cannot.
        """
        trip = Trip(self._parts.clock.now())
        desired = replace(self._fetch_and_load(trip, rev), whole=whole)
        plan = self._look(trip, desired, self._systems(desired))
        return Outlook(desired.state.resources, plan, trip.looks)

    def apply(self, approve: Approve, rev: str | None = None) -> PassResult:
        """One whole pass. `approve` is asked once the plan is known.

        Every way out is reported first. Raises what `plan` does, UnsafePlanError when the guard
        blocks, StalePlanError when the world moved, TransientError (Locked) when another process is at it.
        """
        trip = Trip(self._parts.clock.now())
        try:
            desired = self._fetch_and_load(trip, rev)
            with ExitStack() as locks:
                systems = self._systems(desired)
                for target in sorted({system.target.key for system in systems}):
                    locks.enter_context(self._parts.locks.hold(str(target)))
                plan = self._look(trip, desired, systems)
                self._act(trip, desired, plan, approve)
        except BaseException as error:
            trip.error = error
            conclude(trip, self._parts)
            raise
        return conclude(trip, self._parts)

    def close(self) -> None:
        self._parts.systems.close()

    def _fetch_and_load(self, trip: Trip, rev: str | None) -> Desired:
        self._parts.systems.observe_ahead()
        snapshot = self._parts.source.fetch(rev)
        trip.revision, trip.events = snapshot.revision, tuple(snapshot.events)
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
        )

    def _systems(self, desired: Desired) -> tuple[System, ...]:
        parse = self._parts.documents.parse
        remembered = {key: parse(document) for key, document in self._parts.inventory.systems().items()}
        return self._parts.systems.of(desired.state.resources, remembered)

    def _look(self, trip: Trip, desired: Desired, systems: Sequence[System]) -> Plan:
        trip.looks = tuple(side_by_side(lambda system: self._look_at(system, desired), systems))
        return self._assemble(trip, desired)

    def _look_at(self, system: System, desired: Desired) -> Look:
        return look_at(system, desired, self._parts.inventory)

    def _assemble(self, trip: Trip, desired: Desired) -> Plan:
        known = self._parts.status.revisions()
        trip.plan = assemble(
            desired.revision,
            [look.plan for look in trip.looks],
            applied_revision=known.applied,
            applied_at=known.applied_at,
        )
        return trip.plan

    def _act(self, trip: Trip, desired: Desired, plan: Plan, approve: Approve) -> None:
        approval = approve(plan)
        enforce(plan, approval.digest)
        if not approval.proceed:
            trip.declined = True
            return
        pending: Sequence[Look] = trip.looks
        for _ in range(_ATTEMPTS):
            moved = self._act_on(trip, desired, pending)
            if not moved:
                return
            pending = self._look_again(trip, desired, moved)
            _still_approved(plan, self._assemble(trip, desired), approval)
        raise StalePlanError(f"{pending[0].system.key} kept moving while it was written to; try again later")

    def _act_on(self, trip: Trip, desired: Desired, looks: Sequence[Look]) -> list[Look]:
        """Acts on each system side by side; gives back those that had moved since the look."""

        def act(look: Look) -> Acted | None:
            try:
                self._remember(look)
                return act_on(look, desired, self._parts.inventory)
            except StalePlanError:
                return None

        results = side_by_side(act, looks)
        trip.acted |= {acted.look.system.key: acted for acted in results if acted is not None}
        return [look for look, acted in zip(looks, results, strict=True) if acted is None]

    def _look_again(self, trip: Trip, desired: Desired, moved: Sequence[Look]) -> list[Look]:
        again = [self._look_at(look.system, desired) for look in moved]
        replaced = {look.system.key: look for look in again}
        trip.looks = tuple(replaced.get(look.system.key, look) for look in trip.looks)
        return again

    def _remember(self, look: Look) -> None:
        """Before the first write: whoever is written to must be found again when git forgets it."""
        if look.system.departed or not look.plan.changes:
            return
        document = self._parts.documents.dump(look.system.target.resource)
        if self._parts.inventory.systems().get(look.system.key) != document:
            self._parts.inventory.remember_system(look.system.key, document)


def _still_approved(plan: Plan, again: Plan, approval: Approval) -> None:
    """Lets a plan that was made anew pass only if nobody has to be asked again."""
    if again.digest == plan.digest:
        return
    if approval.only_this_plan or approval.digest is not None:
        raise StalePlanError("the live state moved after this plan was approved; look at the new plan")
    enforce(again)
