"""What a pass says about each target and each resource, as Conditions. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from argos_gitops.model.change import Cause, Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth, worst
from argos_gitops.model.plan import NOT_AS_DESIRED, Held, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.flapping import FLAPPING
from argos_gitops.planning.holds import sentences
from argos_gitops.planning.render.entries import difference_of

_MOST_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class SystemReport:
    """One system at the end of a pass.

    `plan` is what the pass set out to do, `executed` whether it was allowed to, and `after` the plan of the
    look that followed the changes, where there was one: what is still amiss. `owners` are the resources that
    it serves, `suspended` says why some of them, or the target, are left alone; `pending` are owners for
    which something is left to do, or waits, at the last look; `observed` says whether there was such a look.
    The drift of `flapping` comes back after each repair. `known` are the Ready conditions that the last pass
    left.
    """

    plan: SystemPlan
    owners: Collection[ResourceKey]
    suspended: Mapping[ResourceKey, str] = field(default_factory=dict)
    outcomes: Sequence[Outcome] = ()
    verified: Sequence[Condition] = ()
    pending: Collection[ResourceKey] = ()
    observed: bool = False
    flapping: Collection[ResourceKey] = ()
    known: Mapping[ResourceKey, Condition] = field(default_factory=dict)
    after: SystemPlan | None = None
    executed: bool = False

    @property
    def latest(self) -> SystemPlan:
        """The plan of the last look."""
        return self.after or self.plan

    @property
    def blocked(self) -> Sequence[str]:
        """Why nothing was done; empty once the plan was approved and executed."""
        return () if self.executed else self.plan.blocked

    @property
    def target(self) -> ResourceKey:
        return self.plan.system.target


def conditions_of(reports: Sequence[SystemReport], now: datetime) -> dict[ResourceKey, list[Condition]]:
    """All conditions by target, the worst for each subject and type, so that no success hides a failure."""
    found: dict[ResourceKey, list[Condition]] = {}
    for report in reports:
        for condition in (*_of_target(report), *_of_resources(report)):
            dated = replace(condition, since=condition.since or now)
            found.setdefault(report.target, []).append(dated)
    return {target: worst([conditions]) for target, conditions in found.items()}


def _of_target(report: SystemReport) -> Iterator[Condition]:
    status, reason, message = _state_of_target(report)
    provider = report.plan.system.provider
    yield Condition(report.target, "Ready", status, reason, f"{provider}: {message}" if message else "")
    for notice in report.latest.notices:
        if notice.subject is None and not notice.condition:
            yield Condition(
                report.target, "Degraded", Truth.TRUE, notice.reason, f"{provider}: {notice.message}"
            )


def _state_of_target(report: SystemReport) -> tuple[Truth, str, str]:
    told = {notice.subject for notice in report.latest.notices}  # resources that went back say so themselves
    failed = [o for o in report.outcomes if o.result is not Result.DONE and o.change.owner not in told]
    failure = report.latest.failure
    if failure is not None:
        return Truth.FALSE, failure.reason, failure.message
    if report.blocked:
        return Truth.FALSE, "Blocked", report.blocked[0]
    if failed:
        return Truth.FALSE, "ApplyFailed", f"{len(failed)} of {len(report.outcomes)} changes failed"
    if report.target in report.suspended:
        return Truth.UNKNOWN, "Suspended", report.suspended[report.target]
    unexplained = set(report.pending) - {held.change.owner for held in report.latest.held}
    if unexplained:
        return Truth.FALSE, "NotConverged", f"{len(unexplained)} resources are not applied yet"
    waiting = [held for held in report.latest.held if not held.intended]
    if waiting:
        return Truth.UNKNOWN, waiting[0].reason, "; ".join(sentences(waiting))
    return Truth.TRUE, _well(report), ""


def _well(report: SystemReport) -> str:
    """The reason of Ready; nobody can say that he applied what he only looks at."""
    return "AsDesired" if report.plan.observed_only else "Applied"


def _of_resources(report: SystemReport) -> Iterator[Condition]:
    ready = _ready_by_default(report)
    ready |= {c.subject: c for c in report.verified if c.type == "Ready"}
    ready |= {c.subject: c for c in _exceptions(report)}
    yield from ready.values()
    yield from (condition for condition in report.verified if condition.type != "Ready")
    yield from _drifted(report)
    yield from _found_amiss(report)
    for owner in report.flapping:
        yield Condition(
            owner, FLAPPING, Truth.TRUE, "ChangedByOthers", "its drift comes back after each repair"
        )


def _ready_by_default(report: SystemReport) -> dict[ResourceKey, Condition]:
    changed = {outcome.change.owner for outcome in report.outcomes}
    return {owner: _default(report, owner, changed) for owner in report.owners}


def _default(report: SystemReport, owner: ResourceKey, changed: Collection[ResourceKey]) -> Condition:
    if not report.observed:
        reason = report.latest.failure.reason if report.latest.failure is not None else "Unreachable"
        return Condition(owner, "Ready", Truth.UNKNOWN, reason, f"{report.target} could not be asked")
    if owner in report.pending:
        return Condition(owner, "Ready", Truth.FALSE, "Pending", "not applied yet")
    known = report.known.get(owner)
    if known is not None and known.status is Truth.TRUE and owner not in changed:
        return known  # what was proved once stays proved, or an idle pass would have news to tell
    return Condition(owner, "Ready", Truth.TRUE, _well(report))


def _exceptions(report: SystemReport) -> Iterator[Condition]:
    if report.blocked:
        for change in report.plan.changes:
            yield Condition(change.owner, "Ready", Truth.FALSE, "Blocked", "its change waits for an approval")
    for held in _waiting(report):
        yield Condition(held.change.owner, "Ready", Truth.UNKNOWN, held.reason, held.message)
    yield from _not_as_desired(report)
    yield from _suspended(report)
    for outcome in report.outcomes:
        if outcome.result is not Result.DONE:
            reason = outcome.reason or outcome.result.value.capitalize()
            yield Condition(outcome.change.owner, "Ready", Truth.FALSE, reason, outcome.message)
    for notice in report.latest.notices:
        if notice.subject is not None and not notice.condition:
            yield Condition(notice.subject, "Ready", Truth.FALSE, notice.reason, notice.message)


def _suspended(report: SystemReport) -> Iterator[Condition]:
    """What was not ready when it was last looked at is not made better by suspending it."""
    last = dict(report.known) | {c.subject: c for c in report.verified if c.type == "Ready"}
    for owner, why in report.suspended.items():
        before = last.get(owner)
        if owner == report.target:
            continue
        if before is None or before.status is not Truth.FALSE:
            yield Condition(owner, "Ready", Truth.UNKNOWN, "Suspended", why)
        elif before.reason == "Suspended":
            yield before
        else:
            message = f"{why}; when last seen it was not ready ({before.reason}: {before.message})"
            yield Condition(owner, "Ready", Truth.FALSE, "Suspended", message)


def _waiting(report: SystemReport) -> Iterator[Held]:
    """Without what left git and without drift that stays: neither changes what it means to be Ready.

    What only others can do does not wait for anything here.
    """
    return (
        held
        for held in report.latest.held
        if held.reason != "Protected" and not held.accepted and not held.only_told
    )


def _not_as_desired(report: SystemReport) -> Iterator[Condition]:
    """One for each owner of what differs where nothing is ever written."""
    found: dict[ResourceKey, list[str]] = {}
    for held in report.latest.held:
        if held.only_told:
            found.setdefault(held.change.owner, []).append(difference_of(held.change))
    for owner, differences in found.items():
        yield Condition(owner, "Ready", Truth.FALSE, NOT_AS_DESIRED, _joined(differences))


def _found_amiss(report: SystemReport) -> Iterator[Condition]:
    """What notices say of other conditions than Ready, one for each subject and condition."""
    found: dict[tuple[ResourceKey, str, str], list[str]] = {}
    for notice in report.latest.notices:
        if notice.condition:
            identity = (notice.subject or report.target, notice.condition, notice.reason)
            found.setdefault(identity, []).append(notice.message)
    for (subject, condition, reason), messages in found.items():
        yield Condition(subject, condition, Truth.FALSE, reason, _joined(messages))


def _joined(sentences: Sequence[str]) -> str:
    """The first few, and how many there are besides."""
    rest = len(sentences) - _MOST_SENTENCES
    more = [f"and {rest:,} more"] if rest > 0 else []
    return "; ".join([*sentences[:_MOST_SENTENCES], *more])


def _drifted(report: SystemReport) -> Iterator[Condition]:
    done = {id(outcome.change) for outcome in report.outcomes if outcome.result is Result.DONE}
    for change in report.plan.changes:
        if change.cause is Cause.DRIFT:
            yield _drift(change, "Repaired" if id(change) in done else "Pending")
    for held in report.latest.held:
        if held.change.cause is Cause.DRIFT:
            yield _drift(held.change, held.reason)


def _drift(change: Change, reason: str) -> Condition:
    fields = ", ".join(each.name for each in change.fields[:5])
    message = "; ".join(part for part in (fields, change.note) if part)
    return Condition(change.owner, "Drifted", Truth.TRUE, reason, message, change.since)


def drifting_since(conditions: Iterable[Condition]) -> dict[ResourceKey, datetime]:
    """Since when each subject is known to differ from what was applied to it."""
    return {
        c.subject: c.since
        for c in conditions
        if c.type == "Drifted" and c.reason != "Repaired" and c.since is not None
    }


def unready(conditions: Iterable[Condition]) -> set[ResourceKey]:
    """The subjects that deserve a second look in the next pass."""
    return {c.subject for c in conditions if c.type == "Ready" and c.status is not Truth.TRUE}


def healthy(conditions: Iterable[Condition]) -> bool:
    """Whether everything that has a Ready condition is ready, or is suspended and was not seen failing."""
    return all(
        c.status is Truth.TRUE or (c.reason == "Suspended" and c.status is Truth.UNKNOWN)
        for c in conditions
        if c.type == "Ready"
    )
