"""Resources that go back by themselves: one that fails returns alone to how it last was healthy.

It stays there until its own text or files move; the rest of its target follows every revision.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from argos_gitops.manifests.resources import replaced
from argos_gitops.model.change import Cause, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import AnyResource, EagerResources, ResourceKey, ResourceSet
from argos_gitops.ports.provider import DesiredState
from argos_gitops.ports.report import ROLLED_BACK
from argos_gitops.ports.store import ResourceState
from argos_gitops.reconcile.act import Acted
from argos_gitops.reconcile.look import Desired, Look
from argos_gitops.reconcile.parts import Parts
from argos_gitops.reconcile.trip import Trip


def gone_back(desired: Desired, parts: Parts) -> Desired:
    """The same revision, but for the resources that failed as it has them: those as they were healthy, with
    all that follows from them."""
    earlier: dict[ResourceKey, AnyResource] = {}
    why: dict[ResourceKey, Failure] = {}
    at: dict[ResourceKey, str] = {}
    for key, state in parts.status.held_resources().items():
        now = desired.state.resources.get(key)
        if now is not None and now.digest == state.held and parts.returning(now):
            why[key] = Failure(ROLLED_BACK, _sentence(state), key)
            earlier[key] = parts.documents.parse(state.document)
            at[key] = state.revision
    if not earlier:
        return desired
    return replace(desired, state=DesiredState(_with_earlier(desired, parts, earlier)), back=why, back_at=at)


def _with_earlier(desired: Desired, parts: Parts, earlier: Mapping[ResourceKey, AnyResource]) -> ResourceSet:
    resources = desired.state.resources
    written = EagerResources((each for each in resources if each.derived_from is None), resources.fingerprint)
    followed = parts.follow(replaced(written, earlier))
    return replaced(resources, earlier) if followed is None else followed


def go_back(desired: Desired, trip: Trip, parts: Parts) -> bool:
    """Marks the resources that this pass brought out of health; whether there is any.

    Not where the system itself was lost on the way, nor where something newer waits to be applied.
    """
    if desired.superseded() or desired.stopping():
        return False
    any_back = False
    for key, acted in trip.acted.items():
        failing = _failing(acted)
        known = parts.status.resources_of(key.target) if failing else {}
        for owner, why in failing.items():
            now, state = desired.state.resources.get(owner), known.get(owner)
            if now is None or state is None or state.digest == now.digest or not parts.returning(now):
                continue
            failed = replace(state, held=now.digest, failed=desired.revision.sha, why=why)
            parts.status.set_resource(key.target, owner, failed)
            parts.log.warning("rolled_back", resource=str(owner), to=state.revision[:7], why=why)
            any_back = True
    return any_back


def undoing(look: Look, back: Collection[ResourceKey]) -> Look:
    """The look with what undoes the failed change told as the revision's doing: nobody made it drift."""
    changes = tuple(
        replace(change, cause=Cause.REVISION) if change.owner in back else change
        for change in look.plan.changes
    )
    return replace(look, plan=replace(look.plan, changes=changes))


def together(first: Acted | None, then: Acted) -> Acted:
    """What was tried and what was done instead, as one."""
    return then if first is None else replace(then, outcomes=(*first.outcomes, *then.outcomes))


def keep_healthy(trip: Trip, parts: Parts, conditions: Mapping[ResourceKey, Collection[Condition]]) -> None:
    """Remembers each resource that is ready as it is now, to have something to go back to."""
    if trip.resources is None or trip.sha is None:
        return
    for target in {look.system.target.key for look in trip.looks}:
        ready = _ready(trip.resources, conditions.get(target, ()))
        returning = [resource for resource in ready if parts.returning(resource)]
        known = parts.status.resources_of(target) if returning else {}
        for now in returning:
            if _is_news(now, known.get(now.key)):
                document = parts.documents.dump(now)
                parts.status.set_resource(target, now.key, ResourceState(now.digest, document, trip.sha))


def _ready(resources: ResourceSet, conditions: Iterable[Condition]) -> Iterator[AnyResource]:
    for condition in conditions:
        if condition.type == "Ready" and condition.status is Truth.TRUE:
            resource = resources.get(condition.subject)
            if resource is not None:
                yield resource


def _is_news(now: AnyResource, state: ResourceState | None) -> bool:
    return state is None or state.digest != now.digest or bool(state.held)


def _failing(acted: Acted) -> dict[ResourceKey, str]:
    """Why the owners of changes that the revision asked for are not ready after them, where that tells."""
    if acted.interrupted:
        return {}
    passing = {each.change.owner for each in acted.outcomes if each.passing}
    moved = {each.change.owner for each in acted.outcomes if each.change.cause is Cause.REVISION}
    why = {each.change.owner: _reason(each) for each in acted.outcomes if each.result is Result.FAILED}
    for condition in acted.verified:
        if condition.type == "Ready" and condition.status is Truth.FALSE:
            why[condition.subject] = f"{condition.reason}: {condition.message}"
    return {owner: reason for owner, reason in why.items() if owner in moved - passing}


def _reason(outcome: Outcome) -> str:
    return f"{outcome.reason}: {outcome.message}" if outcome.reason else outcome.message


def _sentence(state: ResourceState) -> str:
    return (
        f"as {state.failed[:7]} has it, it failed ({state.why}); it is back at {state.revision[:7]} "
        "until its own text or files change"
    )
