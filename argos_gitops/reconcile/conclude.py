"""The end of a pass: conditions, revisions and history are kept, and every reporter is told."""

from collections.abc import Mapping, Sequence

from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import Inventory, PassRecord, Revisions
from argos_gitops.reconcile.conditions import SystemReport, conditions_of, healthy
from argos_gitops.reconcile.look import Look
from argos_gitops.reconcile.parts import Parts
from argos_gitops.reconcile.trip import Trip


def conclude(trip: Trip, parts: Parts) -> PassResult:
    """Keeps and tells what a pass saw and did. A pass that repeats the last one is told only once."""
    fingerprint = trip.fingerprint
    if fingerprint is not None and fingerprint == parts.status.reported():
        return _result(trip, parts, (), ())
    parts.status.set_reported(None)
    known = {each.subject: each for each in parts.status.conditions() if each.type == "Ready"}
    reports = [_system_report(trip, look, parts.inventory, known) for look in trip.looks]
    kept = parts.status.set_conditions(conditions_of(reports, trip.at)) if reports else ()
    if trip.result != "NoChange" or trip.sha != parts.status.revisions().attempted:
        parts.status.add_pass(_record(trip))
    parts.status.set_revisions(_revisions(trip, parts, kept))
    result = _result(trip, parts, reports, kept)
    if _report(result, parts):
        parts.status.set_reported(fingerprint)
    return result


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


def _system_report(
    trip: Trip, look: Look, inventory: Inventory, known: Mapping[ResourceKey, Condition]
) -> SystemReport:
    acted = trip.acted.get(look.system.key)
    latest = look if acted is None else acted.after
    owners = _owners(latest, inventory)
    return SystemReport(
        plan=look.plan,
        owners=owners,
        suspended={key for key in (*owners, look.system.target.key) if key in look.suspended},
        outcomes=acted.outcomes if acted is not None else (),
        verified=acted.verified if acted is not None else (),
        pending={change.owner for change in latest.difference.changes},
        observed=latest.live is not None,
        known=known,
    )


def _owners(look: Look, inventory: Inventory) -> set[ResourceKey]:
    """The resources on a system; those we once applied where it was not, or need not be, compiled."""
    if look.objects is not None:
        return {each.owner for each in look.objects.values()}
    return {entry.owner for entry in inventory.entries(look.system.key).values()}


def _revisions(trip: Trip, parts: Parts, conditions: Sequence[Condition]) -> Revisions:
    known = parts.status.revisions()
    sha = trip.sha
    if sha is None:
        return known
    applied, applied_at, well = known.applied, known.applied_at, known.healthy
    if trip.complete:
        applied_at = trip.at if trip.outcomes or applied != sha else applied_at
        applied = sha
        well = sha if healthy(conditions) else well
    return Revisions(attempted=sha, applied=applied, applied_at=applied_at, healthy=well)


def _record(trip: Trip) -> PassRecord:
    return PassRecord(
        at=trip.at,
        revision=trip.sha or "",
        subject=trip.revision.subject if trip.revision is not None else "",
        result=trip.result,
        plan_digest=trip.plan.digest if trip.plan is not None and not trip.plan.empty else "",
        summary=trip.message or _counts(trip),
    )


def _counts(trip: Trip) -> str:
    done: dict[str, int] = {}
    for _, outcome in trip.outcomes:
        done[outcome.result.value] = done.get(outcome.result.value, 0) + 1
    return ", ".join(f"{count} {result}" for result, count in sorted(done.items()))


def _result(
    trip: Trip, parts: Parts, reports: Sequence[SystemReport], conditions: Sequence[Condition]
) -> PassResult:
    return PassResult(
        at=trip.at,
        result=trip.result,
        message=trip.message,
        revision=trip.revision,
        plan=trip.plan,
        outcomes=trip.outcomes,
        conditions=conditions,
        problems=trip.problems,
        resources=trip.resources,
        applied_digests=_applied_digests(trip, reports),
        revisions=parts.status.revisions(),
        events=trip.events,
    )


def _applied_digests(trip: Trip, reports: Sequence[SystemReport]) -> dict[ResourceKey, str]:
    """The digests of the resources that stand on their target just as this revision has them."""
    found: dict[ResourceKey, str] = {}
    for report in reports:
        for owner in set(report.owners) - set(report.pending):
            resource = trip.resources.get(owner) if trip.resources is not None else None
            if resource is not None:
                found[owner] = resource.digest
    return found
