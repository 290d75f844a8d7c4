"""Why a change is needed: git moved, the world moved, or both."""

from argos_gitops.model.change import Cause
from argos_gitops.model.objects import InventoryEntry, LiveObject, ManagedObject, digest_of


def cause_of_write(
    desired: ManagedObject, live: LiveObject | None, entry: InventoryEntry | None
) -> tuple[Cause, str]:
    """The cause of creating or updating `desired`, and a note where the cause is not the whole story."""
    if entry is None:
        foreign = live is not None and not live.owned
        return Cause.REVISION, "is on the target without our mark, and will be taken over" if foreign else ""
    if entry.digest == desired.digest:
        return Cause.DRIFT, ""
    if not entry.digest:
        return Cause.REVISION, "was begun before, and did not succeed"
    return Cause.REVISION, _drift_beside(live, entry)


def cause_of_delete(live: LiveObject, entry: InventoryEntry | None) -> tuple[Cause, str]:
    """The cause of removing `live`: git no longer has what we applied, or it never had it."""
    if entry is None:
        return Cause.DRIFT, ""
    if not entry.digest:
        return Cause.REVISION, "is left of an attempt that did not succeed"
    return Cause.REVISION, _drift_beside(live, entry)


def _drift_beside(live: LiveObject | None, entry: InventoryEntry) -> str:
    """What the world did to an object that git changed too."""
    if live is None:
        return f"was also removed on the target since {entry.revision[:7]} was applied"
    if digest_of(live.content) != entry.digest:
        return f"was also changed on the target since {entry.revision[:7]} was applied"
    return ""
