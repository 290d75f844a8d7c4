"""Looking at one system: observe it, compile what it should hold, and plan the difference. Writes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from argos_gitops.model.agent import AgentSpec, GuardSpec, agent_of
from argos_gitops.model.claim import CLAIMED_BY_ANOTHER
from argos_gitops.model.condition import Condition
from argos_gitops.model.objects import InventoryEntry, ObjectSet, digest_of
from argos_gitops.model.plan import Failure, SystemKey, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.planning.diff import Situation, SystemDiff, diff
from argos_gitops.planning.drift import DriftModes, drifts, noted, proposable
from argos_gitops.planning.flapping import Repairs, slowed
from argos_gitops.planning.guard import review
from argos_gitops.planning.holds import Hold, Suspended, observed_only
from argos_gitops.planning.removals import Removals
from argos_gitops.planning.windows import window_hold
from argos_gitops.ports.control import Orders
from argos_gitops.ports.provider import DesiredState, LiveState, Network, Partial
from argos_gitops.ports.source import Snapshot
from argos_gitops.ports.store import Converged, Inventory
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.conditions import drifting_since, unready
from argos_gitops.reconcile.holds import suspended
from argos_gitops.reconcile.systems import System


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Desired:
    """The desired side of a pass, the same for all its systems.

    What needs every resource is computed when it is first asked for: a pass without changes never does.
    """

    revision: Revision
    state: DesiredState
    build: str
    now: datetime
    exceptions: Callable[[], Sequence[Condition]]
    """What was not plainly ready after the last pass."""
    key: bytes = field(repr=False)
    """Of digests that others read."""
    whole: bool = False
    """Whether to compile and compare also what is known to be converged."""
    orders: Orders = field(default_factory=Orders)
    """What people ask for besides git."""
    addresses: Callable[[], Sequence[Network]] = tuple
    """Those of the operator and of this machine, as they were found; no ban may cover them."""
    repairs: Repairs = field(default_factory=Repairs)
    """How often drift was repaired lately; an agent keeps it from pass to pass."""
    removals: Removals = field(default_factory=Removals)
    """What was removed lately; kept likewise."""
    instead_of: str | None = None
    """The revision that a target went back from to this one."""
    back: Mapping[ResourceKey, Failure] = field(default_factory=dict)
    """The resources that went back from this revision alone, and why; `state` has them as they were."""
    back_at: Mapping[ResourceKey, str] = field(default_factory=dict)
    """The revision that each of them went back to."""
    stopping: Callable[[], bool] = _never
    """Whether to stop between two changes, because the process ends."""
    superseded: Callable[[], bool] = _never
    """Whether to stop proving the effect, because there is something newer to apply."""
    snapshot: Snapshot | None = None
    """The files that the revision was read from."""
    noticed: float | None = None
    """When this revision was heard of, in monotonic seconds."""
    events: tuple[str, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> DesiredState:
        """The state, for a provider that may wait for its effect."""
        return replace(self.state, outdated=self._outdated, back=frozenset(self.back))

    def _outdated(self) -> bool:
        return self.superseded() or self.stopping()

    def revision_of(self, owner: ResourceKey) -> str:
        """The revision that a resource stands here as: an earlier one where it, or what it follows from,
        went back alone."""
        resource = self.state.resources.get(owner) if self.back_at else None
        sources = (resource.derived_from or "").split(", ") if resource is not None else []
        for key in (owner, *(ResourceKey.parse(source) for source in sources if source)):
            if key in self.back_at:
                return self.back_at[key]
        return self.revision.sha

    @cached_property
    def suspended(self) -> Suspended:
        return suspended(self.state.resources, self.orders)

    @cached_property
    def holds(self) -> Sequence[Hold]:
        override = self.orders.override
        return (
            self.suspended,
            DriftModes.of(self.state.resources, self.agent.drift.mode),
            window_hold(
                self.agent.windows,
                self.now,
                override=None if override is None else override.until,
                going_back=self.instead_of is not None,
            ),
            slowed(self.repairs, self.now, self.agent.drift.flapping),
        )

    def holds_of(self, system: System) -> Sequence[Hold]:
        """What holds changes back on a system; on one that is only observed, all of them."""
        return (self.suspended, observed_only) if system.observed_only else self.holds

    def flapping(self, system: SystemKey) -> frozenset[ResourceKey]:
        """The owners on a system whose drift comes back after each repair."""
        return self.repairs.flapping(system, self.now, self.agent.drift.flapping)

    @cached_property
    def last(self) -> Sequence[Condition]:
        return self.exceptions()

    @cached_property
    def drifting(self) -> Mapping[ResourceKey, datetime]:
        return drifting_since(self.last)

    @cached_property
    def unready(self) -> frozenset[ResourceKey]:
        return frozenset(unready(self.last))

    @cached_property
    def agent(self) -> AgentSpec:
        return agent_of(self.state.resources)

    @property
    def guard(self) -> GuardSpec:
        return self.agent.guard


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one system. `live` is None when it could not be observed.

    `converged` is set when nothing is to do; it lets the next pass skip compile and diff. `flapping` are
    owners whose drift comes back after each repair.
    """

    system: System
    plan: SystemPlan
    live: LiveState | None = None
    objects: ObjectSet | None = None
    inventory: Mapping[str, InventoryEntry] | None = None
    difference: SystemDiff = field(default_factory=SystemDiff)
    suspended: Suspended = field(default_factory=Suspended)
    converged: Converged | None = None
    flapping: frozenset[ResourceKey] = frozenset()


def look_at(system: System, desired: Desired, inventory: Inventory) -> Look:
    """One system, or the Failure that stands in its plan."""
    seen = contained(lambda: _look(system, desired, inventory))
    if isinstance(seen, Failure):
        # What has left the repository, and is somebody else's by now, holds nothing of ours.
        given_up = system.departed and seen.reason == CLAIMED_BY_ANOTHER
        seen = Look(system, SystemPlan(system.key) if given_up else _unseen(system, desired, seen))
    return replace(seen, flapping=desired.flapping(system.key))


def with_claims(looks: Sequence[Look]) -> tuple[Look, ...]:
    """One writer holds a target with all its systems: where one is another's, none is planned for."""
    refused = {
        look.system.target.key: look.plan.failure
        for look in looks
        if look.plan.failure is not None and look.plan.failure.reason == CLAIMED_BY_ANOTHER
    }
    return tuple(
        replace(look, plan=SystemPlan(look.system.key, failure=failure), live=None, difference=SystemDiff())
        if (failure := refused.get(look.system.target.key)) is not None
        else look
        for look in looks
    )


def _unseen(system: System, desired: Desired, failure: Failure) -> SystemPlan:
    """What is amiss in the desired state is told although the system does not answer."""
    notices = contained(lambda: system.provider.notices(desired.state)) if not system.departed else ()
    told = () if isinstance(notices, Failure) else tuple(notices)
    return SystemPlan(system.key, notices=told, failure=failure, observed_only=system.observed_only)


def _look(system: System, desired: Desired, inventory: Inventory) -> Look:
    live = system.observe()
    known = inventory.converged(system.key)
    fingerprint = _desired_fingerprint(system, desired)
    seen = _live_fingerprint(live, desired)
    if known is not None and not desired.whole and _still_holds(known, fingerprint, seen, desired.now):
        plan = SystemPlan(system.key, live_fingerprint=seen, observed_only=system.observed_only)
        return Look(system, plan, live, converged=known)
    return _compare(system, desired, inventory.entries(system.key), live)


def _compare(
    system: System, desired: Desired, entries: Mapping[str, InventoryEntry], live: LiveState
) -> Look:
    objects = {} if system.departed else system.provider.compile(desired.asked, live)
    difference = diff(
        Situation(
            system=system.key,
            desired=objects,
            live=live.beside(objects) if isinstance(live, Partial) else live.objects,
            inventory=entries,
            now=desired.now,
            describe=system.provider.fields,
            holds=desired.holds_of(system),
            drifting=desired.drifting,
        )
    )
    drifted = drifts(difference)
    if drifted:
        difference = noted(difference, system.provider.attribute(live, drifted))
        difference = proposable(difference, lambda change: system.provider.adopt(change, desired.state))
    plan = _with_back(_system_plan(system, desired, live, difference), desired, objects)
    return Look(
        system,
        plan,
        live,
        objects,
        entries,
        difference,
        desired.suspended,
        _converged(system, desired, objects, plan),
    )


def _system_plan(system: System, desired: Desired, live: LiveState, difference: SystemDiff) -> SystemPlan:
    limits = desired.guard
    lost = desired.removals.lost(system.key, desired.now)
    protected = (*limits.protected_networks, *desired.addresses())
    hazards = system.provider.hazards(difference.changes, protected)
    notices = () if system.departed else (*live.notices, *system.provider.notices(desired.state))
    return SystemPlan(
        system.key,
        changes=difference.changes,
        live_fingerprint=_live_fingerprint(live, desired),
        existing=difference.existing,
        blocked=review(system.key, difference, limits, hazards, lost),
        held=difference.held,
        notices=notices,
        observed_only=system.observed_only,
    )


def _with_back(plan: SystemPlan, desired: Desired, objects: ObjectSet) -> SystemPlan:
    """Says of what went back that it did."""
    if not desired.back:
        return plan
    owners = {each.owner for each in objects.values()}
    back = (failure for owner, failure in sorted(desired.back.items()) if owner in owners)
    return replace(plan, notices=(*plan.notices, *back))


def _converged(system: System, desired: Desired, objects: ObjectSet, plan: SystemPlan) -> Converged | None:
    """A memo only where nothing at all is worth telling, so that skipping the look hides nothing."""
    if plan.changes or plan.held or plan.notices or plan.blocked or system.departed:
        return None
    if desired.suspended.of(system.target.key, {each.owner for each in objects.values()}):
        return None
    renewals = [each.renew_at for each in objects.values() if each.renew_at is not None]
    return Converged(
        _desired_fingerprint(system, desired), plan.live_fingerprint, min(renewals) if renewals else None
    )


def _desired_fingerprint(system: System, desired: Desired) -> str:
    parts = (
        desired.build,
        desired.state.resources.fingerprint,
        system.target.resource.digest,
        str(system.departed),
        digest_of([str(desired.orders)]) if desired.orders else "",
        "" if system.departed else system.provider.fingerprint(desired.state),
    )
    return " ".join(parts)


def _live_fingerprint(live: LiveState, desired: Desired) -> str:
    """What a provider tells its own states apart by, such as a hash of all that a proxy holds, for others."""
    return digest_of(live.fingerprint, desired.key)


def _still_holds(known: Converged, fingerprint: str, live: str, now: datetime) -> bool:
    fresh = known.until is None or now < known.until
    return fresh and known.desired == fingerprint and known.live == live
