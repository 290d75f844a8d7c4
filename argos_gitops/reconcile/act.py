"""Acting on one system: apply its plan, keep the inventory, look again, and verify the effect."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from argos_gitops.model.change import Action, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import ArgosError, TransientError
from argos_gitops.model.objects import InventoryEntry, ManagedObject, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.ports.lock import Hold
from argos_gitops.ports.provider import UNPROVEN
from argos_gitops.ports.store import Inventory
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.look import Desired, Look, look_at


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of one system: the look that was acted on, the outcomes, and the look afterwards."""

    look: Look
    outcomes: tuple[Outcome, ...]
    after: Look
    verified: tuple[Condition, ...]
    interrupted: bool = False
    """Whether the system was lost on the way, so that what is missing says nothing of the revision."""

    @property
    def settled(self) -> bool:
        return self.after.live is not None and self.after.difference.complete


def act_on(look: Look, desired: Desired, inventory: Inventory, hold: Hold) -> Acted:
    """Applies what was planned. Raises StalePlanError when the system moved meanwhile."""
    if look.live is None:
        return Acted(look, (), look, ())
    outcomes, interrupted = _apply(look, desired, inventory, hold)
    after = look_at(look.system, desired, inventory) if outcomes else look
    verified = _verify(look, desired)
    if after.live is not None:
        if outcomes:
            inventory.record(look.system.key, [], _never_made(look, after, outcomes))
        _remember(look, after, inventory, desired)
        _remember_convergence(look, after, verified, inventory)
    return Acted(look, outcomes, after, verified, interrupted)


def verified_again(acted: Acted, desired: Desired, inventory: Inventory) -> Acted:
    """The same with its effect looked at once more, where the first look may have come too early."""
    if all(condition.status is Truth.TRUE for condition in acted.verified):
        return acted
    verified = _verify(acted.look, desired)
    if acted.after.live is not None:
        _remember_convergence(acted.look, acted.after, verified, inventory)
    return replace(acted, verified=verified)


def _apply(
    look: Look, desired: Desired, inventory: Inventory, hold: Hold
) -> tuple[tuple[Outcome, ...], bool]:
    """The outcomes, recorded even when the provider stops halfway: what was written is ours; and whether
    the system, or our right to write to it, was lost on the way."""
    if look.live is None or not look.plan.changes:
        return (), False
    outcomes: list[Outcome] = []
    interrupted = False
    inventory.set_converged(look.system.key, None)
    try:
        hold.verify()
        inventory.record(look.system.key, _begun(look, desired), [])
        for outcome in look.system.provider.apply(look.live, look.plan.changes):
            outcomes.append(outcome)
            _go_on(desired, hold)
    except ArgosError as error:
        if not outcomes and error.reason == "StalePlan":
            raise
        outcomes += _unfinished(look, outcomes, error)
        interrupted = isinstance(error, TransientError)
    finally:
        _record(look, outcomes, inventory, desired)
    return tuple(outcomes), interrupted


def _begun(look: Look, desired: Desired) -> list[InventoryEntry]:
    """What is about to be made, before it is: whatever is left of an attempt that fails or is killed is ours.

    Such an entry has no digest, as nothing was applied yet.
    """
    objects, known = look.objects or {}, look.inventory or {}
    created = [each.object_id for each in look.plan.changes if each.action is Action.CREATE]
    return [
        replace(_entry(objects[object_id], desired), digest="")
        for object_id in created
        if object_id not in known
    ]


def _never_made(look: Look, after: Look, outcomes: Sequence[Outcome]) -> list[str]:
    """What was to be made, and of which the look after the attempt shows nothing."""
    live = after.live.objects if after.live is not None else {}
    known = look.inventory or {}
    missed = (each.change for each in outcomes if each.result is not Result.DONE)
    return [
        change.object_id
        for change in missed
        if change.action is Action.CREATE and change.object_id not in known and change.object_id not in live
    ]


def _go_on(desired: Desired, hold: Hold) -> None:
    hold.verify()
    if desired.stopping():
        raise TransientError("stopped between two changes; the next pass goes on", reason="Interrupted")


def _unfinished(look: Look, outcomes: Sequence[Outcome], error: ArgosError) -> list[Outcome]:
    """Those after the change that failed were not tried. Which one failed is for the provider to say; where
    it does not, it is the first without an outcome."""
    done = {id(outcome.change) for outcome in outcomes}
    rest = [change for change in look.plan.changes if id(change) not in done]
    told = any(each.result is Result.FAILED and each.message == str(error) for each in outcomes)
    failed = [] if told else [Outcome(each, Result.FAILED, error.reason, str(error)) for each in rest[:1]]
    skipped = rest[len(failed) :]
    return failed + [
        Outcome(change, Result.SKIPPED, "NotTried", "an earlier change failed") for change in skipped
    ]


def _record(look: Look, outcomes: Sequence[Outcome], inventory: Inventory, desired: Desired) -> None:
    objects = look.objects or {}
    done = [outcome.change for outcome in outcomes if outcome.result is Result.DONE]
    written = [objects[change.object_id] for change in done if change.action is not Action.DELETE]
    removed = [change.object_id for change in done if change.action is Action.DELETE]
    inventory.record(look.system.key, [_entry(each, desired) for each in written], removed)
    for change in done:
        desired.repairs.record(look.system.key, change, desired.now, desired.agent.drift.flapping)
        desired.removals.record(look.system.key, change, desired.now)


def _remember(look: Look, after: Look, inventory: Inventory, desired: Desired) -> None:
    """Keeps what a look found settled, so that a lost inventory heals and the next pass is short."""
    for seen in (look,) if after is look else (look, after):
        settled = [_entry(each, desired) for each in seen.difference.settled]
        inventory.record(look.system.key, settled, seen.difference.forgotten)
    if look.system.departed and not after.difference.pending:
        inventory.forget_system(look.system.key)


def _remember_convergence(
    look: Look, after: Look, verified: Collection[Condition], inventory: Inventory
) -> None:
    """Only where the effect is proven too: what is not ready must be looked at again in each pass."""
    if after.converged is None:
        return
    proven = all(condition.status is Truth.TRUE for condition in verified)
    state = after.converged if proven else None
    if state != inventory.converged(look.system.key):
        inventory.set_converged(look.system.key, state)


def _entry(managed: ManagedObject, desired: Desired) -> InventoryEntry:
    digest = digest_of(managed.content)
    return InventoryEntry(
        managed.id, managed.owner, digest, managed.protected, desired.revision_of(managed.owner), desired.now
    )


def _verify(look: Look, desired: Desired) -> tuple[Condition, ...]:
    """What the provider sees of the effect, or saw the last time where it had no time to ask."""
    if look.system.departed and not look.plan.changes:
        return ()
    ours = {each.owner for each in look.objects.values()} & desired.unready if look.objects else set()
    conditions = look.system.provider.verify(desired.state, look.plan.changes, ours)
    found = contained(lambda: tuple(takewhile(lambda _: not desired.superseded(), conditions)))
    if isinstance(found, Failure):
        return ()
    if desired.superseded():
        found += tuple(_unproven(look, found))
    changed = {change.owner for change in look.plan.changes}
    last = {c.subject: c for c in desired.last if c.type == "Ready" and c.subject not in changed}
    return tuple(last.get(c.subject, c) if c.reason == UNPROVEN else c for c in found)


def _unproven(look: Look, found: Collection[Condition]) -> Iterator[Condition]:
    """What nobody had the time to ask for: the next pass has to."""
    proven = {condition.subject for condition in found}
    for owner in sorted({change.owner for change in look.plan.changes} - proven):
        yield Condition(owner, "Ready", Truth.UNKNOWN, UNPROVEN, "its effect was not looked at yet")
