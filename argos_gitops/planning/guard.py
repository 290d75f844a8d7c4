"""What a plan may not do unless a person approves exactly that plan.

The limits are those of `Agent.spec.guard`. They look at each system (a target and its provider) apart,
so that a few objects are never hidden behind many. Repairs of drift and renewals bring back what was
applied before, and so count against no limit on updates; a removal always counts, and counts for an hour.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from argos_gitops.model.agent import GuardSpec
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.errors import StalePlanError, UnsafePlanError
from argos_gitops.model.plan import Plan, SystemKey
from argos_gitops.planning.diff import FOREIGN, SystemDiff

APPROVAL_DIGITS = 12
"""How much of a plan's digest an approval must name: 48 bits, so that no other plan has the same."""

DIGEST_DIGITS = 32
"""The length of a plan's digest."""

ALWAYS_UPDATES = 5
"""So many updates of a kind are never too great a share: editing one Service may touch as many Hosts."""

ALWAYS_LATELY = 5
"""So many removals of a kind, one after the other, are never too great a share of what there was."""

_NONE: Mapping[str, int] = MappingProxyType({})

_WAY_OUT = "if that is meant, apply with --approve and the digest of this plan"


def review(
    system: SystemKey,
    diff: SystemDiff,
    limits: GuardSpec,
    hazards: Sequence[str] = (),
    lost: Mapping[str, int] = _NONE,
) -> tuple[str, ...]:
    """Why the changes of one system must not be made unasked, one sentence each; empty when they may.

    `hazards` are the provider's sentences (`Provider.hazards`); each of them blocks. `lost` counts by kind
    what was removed lately (`Removals.lost`): it counts as if it were removed now.
    """
    deletes = _deletes(diff)
    updates = [change for change in diff.changes if _by_git(change)]
    reasons = (
        *_too_many_deletes(system, diff, deletes, limits),
        *_too_many_lately(diff, deletes, limits, lost),
        *_too_many_updates(diff, updates, limits),
    )
    return (
        *(f"{system}: {reason}; {_WAY_OUT}" for reason in reasons),
        *(f"{system}: {hazard}" for hazard in hazards),
    )


def enforce(plan: Plan, approval: str | None = None) -> None:
    """Returns when the plan may be applied.

    Raises UnsafePlanError when it is blocked and nobody approved it, and whatever `verify_approval` does
    whenever there is an approval, blocked plan or not.
    """
    if approval is not None:
        verify_approval(plan, approval)
    elif plan.blocked:
        raise UnsafePlanError(plan.blocked)


def verify_approval(plan: Plan, approval: str) -> None:
    """Returns when `approval` names this plan.

    Raises UnsafePlanError when it is no digest or too short a part of one, StalePlanError (reason
    ApprovalMismatch) when it names another plan.
    """
    named = checked_approval(approval)
    if not plan.digest.startswith(named):
        raise StalePlanError(
            f"the approval {named[:6]} is not for this plan, {plan.short} of revision {plan.revision.short}: "
            "the plan has changed since, or was another; read it with `plan`, then approve its digest",
            reason="ApprovalMismatch",
        )


def checked_approval(approval: str) -> str:
    """The digits of an approval; raises UnsafePlanError when they are none, or too few to name one plan."""
    named = approval.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{APPROVAL_DIGITS},{DIGEST_DIGITS}}}", named):
        raise UnsafePlanError(
            [
                f"the approval {approval[:40]!r} cannot be verified: expected {APPROVAL_DIGITS} to "
                f"{DIGEST_DIGITS} hex digits of the plan's digest, as `plan` shows it"
            ]
        )
    return named


def _deletes(diff: SystemDiff) -> list[Change]:
    """Those that wait for a while count too, or parts of a large removal could pass one after the other."""
    now = [change for change in diff.changes if change.action is Action.DELETE]
    later = [held.change for held in diff.held if held.change.action is Action.DELETE and not held.intended]
    return [*now, *later] if now else []


def _by_git(change: Change) -> bool:
    return change.action is Action.UPDATE and change.cause is Cause.REVISION


def _too_many_deletes(
    system: SystemKey, diff: SystemDiff, deletes: Sequence[Change], limits: GuardSpec
) -> Iterator[str]:
    existing = sum(count for _, count in diff.existing)
    if deletes and not any(kind != system.target.kind for kind, _ in diff.desired):
        yield (
            f"git holds nothing for it any more, and {len(deletes)} of {existing} objects would be removed "
            "(is the repository empty, or a folder renamed?)"
        )
        return
    if len(deletes) > limits.max_deletes:
        yield (
            f"{len(deletes)} of {existing} objects would be removed, "
            f"and guard.maxDeletes is {limits.max_deletes}"
        )
    foreign = sum(change.owner.kind == FOREIGN for change in deletes)
    if diff.takeover and foreign:
        yield f"nothing was applied here before, and what others made would be removed ({foreign} objects)"
    for kind, count in _by_kind(deletes):
        yield from _too_many_of_a_kind(system, diff, kind, count, limits)


def _too_many_lately(
    diff: SystemDiff, deletes: Sequence[Change], limits: GuardSpec, lost: Mapping[str, int]
) -> Iterator[str]:
    """The limits on what is removed at once hold for an hour; what they forbid anyway is not told again.

    No sentence counts what was lost: its words stay the same while an approval is thought about.
    """
    before = sum(lost.values())
    if before and deletes and len(deletes) <= limits.max_deletes < len(deletes) + before:
        yield (
            f"{len(deletes)} objects would be removed, and with those removed within the last hour they are "
            f"more than guard.maxDeletes, {limits.max_deletes}"
        )
    for kind, count in _by_kind(deletes):
        existing, gone = _existing(diff, kind), lost.get(kind, 0)
        alone = count > 1 and count > limits.max_delete_share * existing
        together = count + gone
        many = together > ALWAYS_LATELY and together > limits.max_delete_share * (existing + gone)
        if gone and many and not alone:
            yield (
                f"{count} of {existing} {_objects(kind)} would be removed, and with those removed within the "
                f"last hour they are more than guard.maxDeleteShare, {limits.max_delete_share:.0%}"
            )


def _too_many_of_a_kind(
    system: SystemKey, diff: SystemDiff, kind: str, deletes: int, limits: GuardSpec
) -> Iterator[str]:
    existing = _existing(diff, kind)
    stands_alone = kind in (FOREIGN, system.target.kind)
    if not stands_alone and kind not in dict(diff.desired) and deletes >= existing:
        yield f"every {kind} would be removed, {deletes} of {existing}"
    elif deletes > 1 and deletes > limits.max_delete_share * existing:
        yield (
            f"{deletes} of {existing} {_objects(kind)} ({deletes / existing:.0%}) would be removed, "
            f"and guard.maxDeleteShare is {limits.max_delete_share:.0%}"
        )


def _too_many_updates(diff: SystemDiff, updates: Sequence[Change], limits: GuardSpec) -> Iterator[str]:
    if len(updates) > limits.max_updates:
        yield f"{len(updates)} objects would be changed, and guard.maxUpdates is {limits.max_updates}"
    for kind, count in _by_kind(updates):
        existing = _existing(diff, kind)
        if count > ALWAYS_UPDATES and count > limits.max_update_share * existing:
            yield (
                f"{count} of {existing} {_objects(kind)} ({count / existing:.0%}) would be changed, "
                f"and guard.maxUpdateShare is {limits.max_update_share:.0%}"
            )


def _by_kind(changes: Sequence[Change]) -> Sequence[tuple[str, int]]:
    return sorted(Counter(change.owner.kind for change in changes).items())


def _existing(diff: SystemDiff, kind: str) -> int:
    """What a share is a share of; for foreign objects all there is, as they have no kind in common."""
    if kind == FOREIGN:
        return sum(count for _, count in diff.existing)
    return dict(diff.existing)[kind]


def _objects(kind: str) -> str:
    return "objects (foreign ones)" if kind == FOREIGN else f"{kind} objects"
