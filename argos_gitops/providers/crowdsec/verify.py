"""Whether what should stand does stand, as Conditions. Pure: who looks again is provider.py."""

from collections.abc import Collection, Iterator

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.objects import Content, LiveObject, ManagedObject, ObjectSet
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.crowdsec.observe import CrowdSecLive


def conditions_of(
    objects: ObjectSet, live: CrowdSecLive, owners: Collection[ResourceKey]
) -> Iterator[Condition]:
    """One Ready for each owner that should have a ban; those whose ban was lifted have nothing to prove."""
    for managed in objects.values():
        if managed.owner in owners:
            yield _condition(managed, live.objects.get(managed.id))


def _condition(managed: ManagedObject, found: LiveObject | None) -> Condition:
    count = len(managed.content["values"])
    missing = _missing(managed.content, found)
    if missing:
        message = f"{missing:,} of {count:,} bans do not stand in LAPI"
        return Condition(managed.owner, "Ready", Truth.FALSE, "BansMissing", message)
    message = "the ban stands" if count == 1 else f"all {count:,} bans stand"
    return Condition(managed.owner, "Ready", Truth.TRUE, "BansStand", message)


def _missing(content: Content, found: LiveObject | None) -> int:
    standing = found.content["values"] if found is not None else ()
    return len(set(content["values"]).difference(standing))
