"""The end of a pass: conditions, revisions and history are kept, and every reporter is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from argos_gitops.model.condition import Condition, worst
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.report import ROLLED_BACK, WELL, PassResult
from argos_gitops.ports.store import Inventory, PassRecord, Revisions, SourceState, TargetState
from argos_gitops.reconcile.conditions import SystemReport, conditions_of, healthy
from argos_gitops.reconcile.look import Look
from argos_gitops.reconcile.parts import Parts
from argos_gitops.reconcile.returning import keep_healthy
from argos_gitops.reconcile.standing import Standing, overall
from argos_gitops.reconcile.trip import Trip

_Conditions = Mapping[ResourceKey, Sequence[Condition]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store holds once a pass is kept."""

    source: SourceState
    targets: Mapping[ResourceKey, TargetState]
    conditions: _Conditions
    revisions: Revisions
    scheduled: frozenset[ResourceKey] = frozenset()


def conclude(trip: Trip, parts: Parts) -> PassResult:
    """Keeps and tells what a pass saw and did. A pass that repeats the last one is told only once."""
    with parts.turn:
        return _conclude(trip, parts)


def _conclude(trip: Trip, parts: Parts) -> PassResult:
    fingerprint, scope = trip.fingerprint, str(trip.target or "")
    if fingerprint is not None and fingerprint == parts.status.reported(scope):
        return _result(trip, (), _known(parts))
    if trip.outcomes or trip.error is not None:
        parts.status.set_reported(scope, None)
    elif fingerprint is None and parts.status.reported(scope):
        parts.status.set_reported(scope, "")  # whoever heard of this must hear that it is over
    known = {each.subject: each for each in parts.status.conditions() if each.type == "Ready"}
    reports = [_system_report(trip, look, parts.inventory, known) for look in trip.looks]
    kept = _keep(trip, parts, reports)
    result = _result(trip, reports, kept)
    if _report(result, parts) and fingerprint is not None:
        parts.status.set_reported(scope, fingerprint)
    return result


def _known(parts: Parts) -> Kept:
    status = parts.status
    return Kept(status.source(), status.targets(), status.set_conditions({}), status.revisions())


def _report(result: PassResult, parts: Parts) -> bool:
    """Whether every reporter could be told; one that could not is asked again by the next pass."""
    told = True
    for reporter in parts.reporters():
        try:
            reporter.report(result)
        except ArgosError as error:
            told = False
            parts.log.warning("report_failed", reason=error.reason, message=str(error))
    return told


def _keep(trip: Trip, parts: Parts, reports: Sequence[SystemReport]) -> Kept:
    scheduled = frozenset(parts.scheduled(trip.resources)) if trip.resources is not None else frozenset()
    conditions = parts.status.set_conditions(conditions_of(reports, trip.at))
    known = parts.status.revisions()
    if trip.result not in ("NoChange", "Waiting") or trip.sha != known.attempted:
        parts.status.add_pass(_record(trip))
    if trip.target is None and trip.resources is not None:
        parts.status.keep_targets(scheduled.union(look.system.target.key for look in trip.looks))
    _keep_targets(trip, parts, conditions)
    keep_healthy(trip, parts, conditions)
    targets = parts.status.targets()  # after ours is written: of two that end together, one sees both
    revisions = _revisions(trip, known, targets)
    parts.status.move_revisions(known, revisions)
    source = parts.status.source()
    if trip.target is None:
        source = _source_state(trip, source)
        parts.status.set_source(source)
    return Kept(source, targets, conditions, revisions, scheduled)


def _keep_targets(trip: Trip, parts: Parts, conditions: _Conditions) -> None:
    passed = {look.system.target.key for look in trip.looks}
    known = parts.status.targets()
    for target in sorted(passed | ({trip.target} if trip.target is not None else set())):
        state = _target_state(trip, target, known.get(target, TargetState()), conditions.get(target, ()))
        parts.status.set_target(target, state)


def _target_state(
    trip: Trip, target: ResourceKey, known: TargetState, conditions: Sequence[Condition]
) -> TargetState:
    standing = _back(trip.standing(target), known.held, trip)
    state = replace(
        known,
        attempted=trip.instead_of or trip.sha or known.attempted,
        result=standing.result,
        message=standing.message,
        at=trip.at,
    )
    if not trip.completed(target) or trip.back_on(target):
        return state
    moved = trip.changed(target) or known.applied != trip.sha
    return replace(
        state,
        applied=trip.sha,
        applied_at=trip.at if moved else known.applied_at,
        healthy=trip.sha if healthy(conditions) else known.healthy,
    )


def _back(standing: Standing, held: str | None, trip: Trip) -> Standing:
    """A target that went back from a revision is not well, however well the older one is applied."""
    if held is None or standing.result not in WELL:
        return standing
    message = f"{held[:7]} failed its probes; this target is back at {(trip.sha or '')[:7]} until git moves"
    return Standing(ROLLED_BACK, message)


def _revisions(trip: Trip, known: Revisions, targets: Mapping[ResourceKey, TargetState]) -> Revisions:
    """Applied and healthy is what every target is at; a failed look at the source changes neither."""
    sha = trip.sha
    if sha is None:
        return known
    known = replace(known, attempted=trip.instead_of or sha)
    if trip.error is not None or any(state.applied != sha for state in targets.values()):
        return known
    times = [state.applied_at for state in targets.values() if state.applied_at is not None]
    if known.applied != sha or times:
        known = replace(known, applied=sha, applied_at=max(times, default=trip.at))
    well = all(state.healthy == sha for state in targets.values())
    return replace(known, healthy=sha) if well else known


def _source_state(trip: Trip, known: SourceState) -> SourceState:
    if trip.resources is None and isinstance(trip.error, ArgosError):
        return replace(known, result=trip.error.reason, message=trip.message)
    return replace(known, result="", message="")


def _system_report(
    trip: Trip, look: Look, inventory: Inventory, known: Mapping[ResourceKey, Condition]
) -> SystemReport:
    acted = trip.acted.get(look.system.key)
    latest = look if acted is None else acted.after
    owners = _owners(latest, inventory)
    return SystemReport(
        plan=look.plan,
        owners=owners,
        suspended=look.suspended.of(look.system.target.key, owners),
        outcomes=acted.outcomes if acted is not None else (),
        verified=acted.verified if acted is not None else (),
        pending=latest.difference.pending,
        observed=latest.live is not None,
        flapping=latest.flapping,
        known=known,
        after=latest.plan,
        executed=acted is not None,
    )


def _owners(look: Look, inventory: Inventory) -> set[ResourceKey]:
    """The resources on a system; those we once applied where it was not, or need not be, compiled."""
    if look.objects is not None:
        return {each.owner for each in look.objects.values()}
    return {entry.owner for entry in inventory.entries(look.system.key).values()}


def _record(trip: Trip) -> PassRecord:
    return PassRecord(
        at=trip.at,
        revision=trip.sha or "",
        subject=trip.revision.subject if trip.revision is not None else "",
        result=trip.result,
        plan_digest=trip.plan.digest if trip.plan is not None and not trip.plan.empty else "",
        summary=trip.message or _counts(trip),
        target=str(trip.target or ""),
    )


def _counts(trip: Trip) -> str:
    done: dict[str, int] = {}
    for _, outcome in trip.outcomes:
        done[outcome.result.value] = done.get(outcome.result.value, 0) + 1
    return ", ".join(f"{count} {result}" for result, count in sorted(done.items()))


def _result(trip: Trip, reports: Sequence[SystemReport], kept: Kept) -> PassResult:
    standing = overall(trip.standing(), kept.source, kept.targets)
    return PassResult(
        at=trip.at,
        result=standing.result,
        message=standing.message,
        revision=trip.revision,
        plan=trip.plan,
        outcomes=trip.outcomes,
        conditions=worst(kept.conditions.values()),
        problems=trip.problems,
        resources=trip.resources,
        applied_digests=_applied_digests(trip, reports),
        revisions=kept.revisions,
        events=trip.events,
        own_result=trip.result,
        target=trip.target,
        targets=kept.targets,
        blocked=standing.blocked,
        elsewhere=_elsewhere(trip, kept.conditions) | kept.scheduled,
        scheduled=kept.scheduled,
        durations=trip.durations,
        proposals=trip.proposals,
        orders=trip.orders,
    )


def _elsewhere(trip: Trip, conditions: _Conditions) -> frozenset[ResourceKey]:
    """The subjects that only passes over other targets speak of."""
    if trip.target is None:
        return frozenset()
    here = {condition.subject for condition in conditions.get(trip.target, ())}
    others = (found for target, found in conditions.items() if target != trip.target)
    return frozenset(condition.subject for found in others for condition in found) - here


def _applied_digests(trip: Trip, reports: Sequence[SystemReport]) -> dict[ResourceKey, str]:
    """The digests of the resources that stand on their target just as this revision has them."""
    found: dict[ResourceKey, str] = {}
    for report in reports:
        for owner in set(report.owners) - set(report.pending) - set(trip.back):
            resource = trip.resources.get(owner) if trip.resources is not None else None
            if resource is not None:
                found[owner] = resource.digest
    return found
