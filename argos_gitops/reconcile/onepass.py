"""One pass over some targets: look, plan, guard and act. Fetching and telling are elsewhere."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack

from argos_gitops.model.errors import StalePlanError
from argos_gitops.model.plan import Failure, Plan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.guard import enforce
from argos_gitops.planning.plan import assemble
from argos_gitops.ports.lock import Hold
from argos_gitops.ports.store import Inventory
from argos_gitops.reconcile.act import Acted, act_on, verified_again
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.drafts import Drafter, to_be_proposed
from argos_gitops.reconcile.look import Desired, Look, look_at, with_claims
from argos_gitops.reconcile.parallel import side_by_side
from argos_gitops.reconcile.parts import Approval, Approve, Parts
from argos_gitops.reconcile.returning import go_back, gone_back, together, undoing
from argos_gitops.reconcile.systems import System
from argos_gitops.reconcile.trip import Trip

_ATTEMPTS = 4
"""How often a system may move between observing and writing before the pass gives up."""


class OnePass:
    """What it comes to know is kept in the trip, step by step, so that every way out can tell it."""

    def __init__(self, parts: Parts, trip: Trip, desired: Desired) -> None:
        self._parts = parts
        self._trip = trip
        self._revision = self._desired = desired
        self._holds: dict[ResourceKey, Hold] = {}

    def look(self, systems: Sequence[System]) -> Plan:
        """Observes and plans; writes nothing."""
        self._desired = gone_back(self._revision, self._parts)
        self._trip.back = self._desired.back
        with self._trip.phase("look"):
            self._trip.looks = with_claims(side_by_side(self._look_at, systems))
            return self._assemble()

    def run(self, systems: Sequence[System], targets: Collection[ResourceKey], approve: Approve) -> None:
        """The same, then acts, alone on each target. Raises what `Reconciler.apply` does."""
        with ExitStack() as locks:
            for target in sorted(targets):
                self._holds[target] = locks.enter_context(self._parts.locks.hold(str(target)))
            plan = self.look(systems)
            with self._trip.phase("act"):
                self._act(plan, approve)
                if go_back(self._desired, self._trip, self._parts):
                    self._do_instead(systems)
            self._draft()

    def _do_instead(self, systems: Sequence[System]) -> None:
        """Brings what failed back to how it was healthy. The guard has nothing to say: so it was just now."""
        trip, plan, tried = self._trip, self._trip.plan, self._trip.acted
        self.look(systems)
        trip.looks = tuple(undoing(look, trip.back) for look in trip.looks)
        again = self._assemble()
        trip.acted = {}
        self._act(again, lambda _: Approval(True, again.digest))
        trip.acted = {key: together(tried.get(key), acted) for key, acted in trip.acted.items()}
        trip.plan = plan  # what was asked for; what was done instead is told by its outcomes

    def _draft(self) -> None:
        """Writes drift that is to be proposed into the files that this revision was read from."""
        snapshot, load = self._desired.snapshot, self._parts.try_load
        looks = [look for look in self._trip.latest if to_be_proposed(look)]
        if not looks or snapshot is None or load is None:
            return
        found = contained(lambda: Drafter(snapshot, load, self._desired.state.resources).of(looks))
        if isinstance(found, Failure):
            self._parts.log.warning("cannot_propose", reason=found.reason, why=found.message)
            return
        self._trip.proposals = found.proposals
        for subject, why in found.failed.items():
            self._parts.log.warning("cannot_propose", what=subject, why=why)

    def _look_at(self, system: System) -> Look:
        return look_at(system, self._desired, self._parts.inventory)

    def _assemble(self) -> Plan:
        known = self._parts.status.revisions()
        self._trip.plan = assemble(
            self._desired.revision,
            [look.plan for look in self._trip.looks],
            self._desired.key,
            applied_revision=known.applied,
            applied_at=known.applied_at,
        )
        return self._trip.plan

    def _act(self, plan: Plan, approve: Approve) -> None:
        approval = approve(plan)
        enforce(plan, approval.digest)
        if not approval.proceed:
            self._trip.declined = True
            return
        if approval.digest is not None:
            self._desired.removals.accept()
        pending: Sequence[Look] = self._trip.looks
        for _ in range(_ATTEMPTS):
            moved = self._act_on(pending)
            if not moved:
                self._verify_again()
                return
            pending = self._look_again(moved)
            _still_approved(plan, self._assemble(), approval)
        raise StalePlanError(f"{pending[0].system.key} kept moving while it was written to; try again later")

    def _act_on(self, looks: Sequence[Look]) -> list[Look]:
        """Acts on each system side by side; gives back those that had moved since the look."""

        def act(look: Look) -> Acted | None:
            hold = self._holds[look.system.target.key]
            inventory = self._parts.inventory.under(hold)
            try:
                self._remember(look, inventory)
                return act_on(look, self._desired, inventory, hold)
            except StalePlanError:
                return None

        results = side_by_side(act, looks)
        self._trip.acted |= {acted.look.system.key: acted for acted in results if acted is not None}
        return [look for look, acted in zip(looks, results, strict=True) if acted is None]

    def _verify_again(self) -> None:
        """What fails while another system is still written to may wait for just that: a Host for the
        containers behind it. So it is asked once more when all of them are written."""
        acted = self._trip.acted
        for key, each in acted.items():
            if any(other.outcomes for name, other in acted.items() if name != key):
                inventory = self._parts.inventory.under(self._holds[key.target])
                acted[key] = verified_again(each, self._desired, inventory)

    def _look_again(self, moved: Sequence[Look]) -> list[Look]:
        again = [self._look_at(look.system) for look in moved]
        replaced = {look.system.key: look for look in again}
        self._trip.looks = tuple(replaced.get(look.system.key, look) for look in self._trip.looks)
        return again

    def _remember(self, look: Look, inventory: Inventory) -> None:
        """Before the first write: whoever is written to must be found again when git forgets it.

        What is only observed by now must not: nobody is to be written to as it was reached once.
        """
        if look.system.observed_only:
            if look.system.key in inventory.systems():
                inventory.forget_system(look.system.key)
            return
        if look.system.departed or not look.plan.changes:
            return
        document = self._parts.documents.dump(look.system.target.resource)
        if inventory.systems().get(look.system.key) != document:
            inventory.remember_system(look.system.key, document)


def _still_approved(plan: Plan, again: Plan, approval: Approval) -> None:
    """Lets a plan that was made anew pass only if nobody has to be asked again."""
    if again.digest == plan.digest:
        return
    if approval.only_this_plan or approval.digest is not None:
        raise StalePlanError("the live state moved after this plan was approved; look at the new plan")
    enforce(again)
