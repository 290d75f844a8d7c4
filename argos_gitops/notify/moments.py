"""What a pass did: events that tell of a moment, not of a state. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.event import EVENTS
from argos_gitops.model.plan import Plan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.notify.seen import Seen
from argos_gitops.notify.states import fields_of, listed
from argos_gitops.ports.notify import Event

_WORDS = {Action.CREATE: "added", Action.UPDATE: "changed", Action.DELETE: "removed"}
_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


def moments_of(seen: Seen) -> Iterator[Event]:
    """Revisions that were applied and drift that was repaired."""
    plan = seen.result.plan
    for target in seen.targets:
        outcomes = seen.outcomes(target)
        if plan is not None and all(each.result is Result.DONE for each in outcomes):
            yield from _applied(seen, plan, target, outcomes)
        yield from _repaired(seen, target, outcomes)


def _applied(seen: Seen, plan: Plan, target: ResourceKey, outcomes: Sequence[Outcome]) -> Iterator[Event]:
    changes = [each.change for each in outcomes if each.change.cause is Cause.REVISION]
    if not changes:
        return
    counts = Counter(_WORDS[change.action] for change in changes)
    facts = {
        "target": str(target),
        "revision": plan.revision.sha,
        "subject": plan.revision.subject,
        "digest": plan.digest,
        **{word: str(counts[word]) for word in _WORDS.values()},
    }
    summary = ", ".join(f"{counts[word]:,} {word}" for word in _WORDS.values() if counts[word])
    lines = sorted(
        {f"{_SIGNS[change.action]} {change.owner}" for change in changes}, key=lambda each: each[2:]
    )
    yield Event(
        "RevisionApplied",
        EVENTS["RevisionApplied"].severity,
        seen.result.at,
        f"{target}: revision {plan.revision.short} applied, {summary}",
        f"{plan.revision.subject}\n{listed(lines)}",
        str(target),
        f"RevisionApplied {target} {plan.digest}",
        facts,
    )


def _repaired(seen: Seen, target: ResourceKey, outcomes: Sequence[Outcome]) -> Iterator[Event]:
    repaired: dict[ResourceKey, list[Change]] = {}
    for each in outcomes:
        told = each.change.owner not in seen.flapping
        if told and each.change.cause is Cause.DRIFT and each.result is Result.DONE:
            repaired.setdefault(each.change.owner, []).append(each.change)
    for owner, changes in sorted(repaired.items()):
        yield Event(
            "DriftRepaired",
            EVENTS["DriftRepaired"].severity,
            seen.result.at,
            f"{owner} was changed on {target}, and put back",
            listed(fields_of(changes)),
            str(owner),
            facts={"target": str(target)},
        )
