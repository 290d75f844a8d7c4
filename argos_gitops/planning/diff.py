"""Desired against live and inventory: what has to change on one system."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.objects import (
    Content,
    InventoryEntry,
    LiveObject,
    ManagedObject,
    ObjectSet,
)
from argos_gitops.model.plan import Held, SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.cause import cause_of_delete, cause_of_write
from argos_gitops.planning.fields import field_changes, only_masked
from argos_gitops.planning.holds import Hold, first_objection, protected
from argos_gitops.planning.order import ordered

FOREIGN = "Foreign"
"""The kind under which live objects count that no resource ever owned."""

_ROTATED = "secret rotated: only masked values differ"

Describe = Callable[[Content], Mapping[str, str]]
"""A content as labelled, masked fields in reading order: `Provider.fields`."""

Counts = tuple[tuple[str, int], ...]
"""How many objects there are of each kind of owner, by kind."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One system: what it should hold, what it holds, and what we last gave it.

    `holds` say what must wait, the first to object wins; `drifting` says since when an owner is known to
    drift (unknown: since `now`). `describe` is asked about changed objects only.
    """

    system: SystemKey
    desired: ObjectSet
    live: Mapping[str, LiveObject]
    inventory: Mapping[str, InventoryEntry]
    now: datetime
    describe: Describe
    holds: Sequence[Hold] = ()
    drifting: Mapping[ResourceKey, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemDiff:
    """What has to change, in order, and what the guard and the inventory need to know beside it.

    `held` are changes that wait. `existing` counts the live objects under our
    management, `desired` those that should exist. `settled` objects are right already, but the
    inventory lacks them or says otherwise: record them. `forgotten` ids are in the inventory and
    nowhere else: drop them.
    """

    changes: tuple[Change, ...] = ()
    held: tuple[Held, ...] = ()
    existing: Counts = ()
    desired: Counts = ()
    settled: tuple[ManagedObject, ...] = ()
    forgotten: tuple[str, ...] = ()
    takeover: bool = False

    @property
    def complete(self) -> bool:
        """Whether the system is as the revision wants it, what the revision lets wait aside."""
        return not self.changes and all(held.intended for held in self.held)

    @property
    def pending(self) -> frozenset[ResourceKey]:
        """The owners of all that differs, whether it waits or not, accepted drift aside."""
        held = (each.change.owner for each in self.held if not each.accepted)
        return frozenset((*(change.owner for change in self.changes), *held))


def diff(situation: Situation) -> SystemDiff:
    """Equal contents are nothing to do; whatever else is needed comes with its cause and its fields."""
    writes, settled = _compare(situation)
    needed = ordered([*writes, *_deletes(situation)])
    changes, held = _hold_back(situation, needed)
    desired = Counter(wanted.owner.kind for wanted in situation.desired.values())
    return SystemDiff(
        changes=ordered([*changes, *_renewals_beside(situation, held)]),
        held=held,
        existing=_counts(_existing(desired, needed)),
        desired=_counts(desired),
        settled=tuple(settled),
        forgotten=tuple(
            sorted(situation.inventory.keys() - situation.desired.keys() - situation.live.keys())
        ),
        takeover=not situation.inventory,
    )


def _compare(situation: Situation) -> tuple[list[Change], list[ManagedObject]]:
    """What must be written, and what is right but not, or wrongly, in the inventory.

    The one loop over everything: 10,000 equal objects take some 30 ms, and twice that when their digests
    are asked for the first time.
    """
    writes, settled = [], []
    live, inventory, now = situation.live, situation.inventory, situation.now
    for object_id, wanted in situation.desired.items():
        found = live.get(object_id)
        if found is None or found.content != wanted.content:
            writes.append(_write(situation, wanted, found))
        elif wanted.renew_at is not None and now >= wanted.renew_at:
            writes.append(_renewal(wanted, wanted.content))
        elif not _is_recorded(wanted, inventory.get(object_id)):
            settled.append(wanted)
    return writes, settled


def _is_recorded(wanted: ManagedObject, entry: InventoryEntry | None) -> bool:
    """Whether the inventory says what is so; a stale digest would make the next drift look like git's."""
    return (
        entry is not None
        and entry.protected == wanted.protected
        and entry.owner == wanted.owner
        and entry.digest == wanted.digest
    )


def _write(situation: Situation, wanted: ManagedObject, found: LiveObject | None) -> Change:
    cause, note = cause_of_write(wanted, found, situation.inventory.get(wanted.id))
    shown = None if found is None else situation.describe(found.content)
    fields = field_changes(shown, situation.describe(wanted.content))
    if not note and cause is Cause.REVISION and only_masked(fields):
        note = _ROTATED
    return Change(
        action=Action.CREATE if found is None else Action.UPDATE,
        cause=cause,
        object_id=wanted.id,
        owner=wanted.owner,
        before=None if found is None else found.content,
        after=wanted.content,
        location=wanted.location,
        fields=fields,
        note=note,
        since=_since(situation, wanted.owner, cause),
    )


def _renewals_beside(situation: Situation, held: Iterable[Held]) -> Iterator[Change]:
    """What is left of an object whose drift stays must not run out: it is renewed as it is."""
    for each in held:
        wanted = situation.desired.get(each.change.object_id) if each.accepted else None
        if wanted is None or wanted.renew_at is None or each.change.before is None:
            continue
        if situation.now >= wanted.renew_at:
            yield _renewal(wanted, each.change.before)


def _renewal(wanted: ManagedObject, content: Content) -> Change:
    return Change(
        action=Action.UPDATE,
        cause=Cause.EXPIRY,
        object_id=wanted.id,
        owner=wanted.owner,
        before=content,
        after=content,
        location=wanted.location,
        note=wanted.renewal or f"to be renewed since {wanted.renew_at:%Y-%m-%d %H:%M} UTC",
    )


def _deletes(situation: Situation) -> Iterator[Change]:
    for object_id in situation.live.keys() - situation.desired.keys():
        found, entry = situation.live[object_id], situation.inventory.get(object_id)
        if found.owned or entry is not None:
            yield _delete(situation, found, entry)


def _delete(situation: Situation, found: LiveObject, entry: InventoryEntry | None) -> Change:
    cause, note = cause_of_delete(found, entry)
    owner = _owner(found, entry)
    return Change(
        action=Action.DELETE,
        cause=cause,
        object_id=found.id,
        owner=owner,
        before=found.content,
        after=None,
        fields=field_changes(situation.describe(found.content), None),
        note=note,
        since=_since(situation, owner, cause),
    )


def _owner(found: LiveObject, entry: InventoryEntry | None) -> ResourceKey:
    if entry is not None:
        return entry.owner
    return found.owner or ResourceKey(FOREIGN, found.id)


def _since(situation: Situation, owner: ResourceKey, cause: Cause) -> datetime | None:
    return situation.drifting.get(owner, situation.now) if cause is Cause.DRIFT else None


def _hold_back(
    situation: Situation, needed: tuple[Change, ...]
) -> tuple[tuple[Change, ...], tuple[Held, ...]]:
    """Takes out what has to wait, each with the reason of the first that objects."""
    holds = (*situation.holds, protected(situation.inventory))
    changes, held = [], []
    for change in needed:
        objection = first_objection(holds, situation.system, change)
        if objection is None:
            changes.append(change)
        else:
            held.append(objection)
    return tuple(changes), tuple(held)


def _existing(desired: Counter[str], needed: Iterable[Change]) -> Counter[str]:
    """What exists under our management: what should, without what is missing, with what is too much."""
    existing = Counter(desired)
    for change in needed:
        if change.action is not Action.UPDATE:
            existing[change.owner.kind] += 1 if change.action is Action.DELETE else -1
    return existing


def _counts(kinds: Counter[str]) -> Counts:
    return tuple(sorted((kind, count) for kind, count in kinds.items() if count))
