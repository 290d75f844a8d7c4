"""From the differences of each system to one plan with a digest."""

from collections.abc import Iterable
from datetime import datetime

from argos_gitops.model.change import Change
from argos_gitops.model.objects import digest_of, key_id_of
from argos_gitops.model.plan import Plan, SystemPlan
from argos_gitops.model.source import Revision


def assemble(
    revision: Revision,
    systems: Iterable[SystemPlan],
    key: bytes,
    *,
    applied_revision: str | None = None,
    applied_at: datetime | None = None,
) -> Plan:
    """One plan, the same for the same parts in any order. `key` is that of digests which others read."""
    parts = tuple(sorted(systems, key=lambda part: part.system))
    return Plan(revision, parts, _digest(revision, parts, key), key_id_of(key), applied_revision, applied_at)


def _digest(revision: Revision, systems: tuple[SystemPlan, ...], key: bytes) -> str:
    """32 hex digits over what would be written, and over what the guard says about it.

    The guard's reasons are part of it so that whoever approves a digest has read all of them: a new
    hazard is a new digest. A system that cannot be observed writes nothing and is left out, so its
    coming back without changes does not invalidate an approval; coming back with changes does.
    """
    return digest_of(
        {
            "revision": revision.sha,
            "systems": [
                [str(part.system), sorted(part.blocked), sorted(map(_identity, part.changes))]
                for part in systems
                if part.changes or part.blocked
            ],
        },
        key,
    )


def _identity(change: Change) -> list[str]:
    return [
        change.object_id,
        str(change.owner),
        change.action,
        change.cause,
        digest_of(change.before),
        digest_of(change.after),
    ]
