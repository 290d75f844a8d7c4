"""The states that stand after a pass, each an alarm and the event that tells of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import chain

from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.event import EVENTS
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import NOT_AS_DESIRED
from argos_gitops.model.resource import ResourceKey
from argos_gitops.notify.seen import Seen
from argos_gitops.planning.guard import APPROVAL_DIGITS
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm

MOST_LINES = 10
"""Lines of a kind that an event holds; the rest is counted."""

_REJECTED, _UNVERIFIED = "InvalidConfiguration", "UnverifiedCommit"
_NOT_UNHEALTHY = frozenset({"Pending", "Blocked", "Suspended", "NotTried"})


@dataclass(frozen=True, slots=True)
class State:
    """Something that is so, and will not be told again while it is."""

    alarm: Alarm
    event: Event


def states_of(seen: Seen) -> Iterator[State]:
    """What stands, as far as this pass could see."""
    yield from _of_source(seen)
    for target in seen.targets:
        yield from _of_target(seen, target)
    yield from _of_resources(seen)


def listed(lines: Sequence[str]) -> str:
    """The first few lines, and how many there are besides."""
    rest = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], *([f"… and {rest:,} more"] if rest > 0 else [])])


def fields_of(changes: Sequence[Change]) -> list[str]:
    """What the world changed, one line for each field, masked already; and what is known of how."""
    found = [_field(each.name, each.after, each.before) for change in changes for each in change.fields]
    return [*found, *dict.fromkeys(change.note for change in changes if change.note)]


def _field(name: str, applied: str | None, found: str | None) -> str:
    return f"{name}: {applied or '(nothing)'} → {found or '(gone)'}"


def _of_source(seen: Seen) -> Iterator[State]:
    result, revision = seen.result, seen.result.revision
    facts = {"revision": revision.sha, "subject": revision.subject} if revision is not None else {}
    if revision is not None and "history_rewritten" in result.events:
        text = f"{revision.ref} is at {revision.short} now, which does not follow its old tip"
        yield _state(
            seen, Alarm("HistoryRewritten", "", revision.sha), "The history was rewritten", text, facts
        )
    if not seen.source_failure:
        return
    where = f"Revision {revision.short}" if revision is not None else "The repository"
    if seen.source_failure == _REJECTED:
        problems = [str(problem) for problem in result.problems]
        alarm = Alarm("ConfigurationRejected", "", digest_of([facts.get("revision"), problems]))
        facts |= {"problems": str(len(problems))}
        yield _state(seen, alarm, f"{where} is invalid: {result.message}", listed(problems), facts)
    elif seen.source_failure == _UNVERIFIED:
        alarm = Alarm("UnverifiedCommit", "", digest_of(result.message))
        yield _state(seen, alarm, f"{where} is not trusted", result.message, facts)
    else:
        alarm = Alarm("SourceUnavailable", "", seen.source_failure)
        facts |= {"reason": seen.source_failure}
        yield _state(seen, alarm, f"Git cannot be read: {seen.source_failure}", result.message, facts)


def _of_target(seen: Seen, target: ResourceKey) -> Iterator[State]:
    failures = seen.failures(target)
    if failures:
        reasons = sorted({failure.reason for failure in failures})
        alarm = Alarm("TargetUnreachable", str(target), digest_of(reasons))
        text = listed([failure.message for failure in failures])
        yield _state(seen, alarm, f"{target} is unreachable", text, {"reason": ", ".join(reasons)})
    yield from chain(_blocked(seen, target), _failed(seen, target), _degraded(seen, target))
    known = seen.result.targets.get(target)
    if known is not None and known.held is not None:
        title = f"{target} went back from revision {known.held[:7]}"
        facts = {"from": known.held, "to": known.applied or ""}
        yield _state(seen, Alarm("RolledBack", str(target), known.held), title, known.message, facts)


def _blocked(seen: Seen, target: ResourceKey) -> Iterator[State]:
    reasons = seen.blocked(target)
    if not reasons or seen.result.plan is None:
        return
    digest = seen.result.plan.digest
    approve = f"argos-gitops apply --approve {digest[:APPROVAL_DIGITS]}"
    text = listed([*reasons]) + f"\nTo apply it all the same: {approve}"
    facts = {"digest": digest, "approve": approve}
    yield _state(
        seen, Alarm("PassBlocked", str(target), digest), f"{target} waits for an approval", text, facts
    )


def _failed(seen: Seen, target: ResourceKey) -> Iterator[State]:
    failed, broken = seen.failed(target), seen.broken_by(target)
    if failed:
        owners = sorted({(str(each.change.owner), each.reason) for each in failed})
        title = f"{target}: {len(failed)} of {len(seen.outcomes(target))} changes failed"
        text = listed([_told(each) for each in failed])
        facts = {"reason": failed[0].reason}
        yield _state(seen, Alarm("PassFailed", str(target), digest_of(owners)), title, text, facts)
    elif broken is not None:
        alarm = Alarm("PassFailed", str(target), broken.reason)
        title = f"{target}: the pass failed: {broken.reason}"
        yield _state(seen, alarm, title, broken.message, {"reason": broken.reason})


def _told(outcome: Outcome) -> str:
    return f"{outcome.change.owner}: {outcome.reason}: {outcome.message}"


def _degraded(seen: Seen, target: ResourceKey) -> Iterator[State]:
    notices = [
        notice
        for part in seen.systems(target)
        for notice in part.notices
        if notice.subject is None and not notice.condition
    ]
    if notices:
        reasons = sorted({notice.reason for notice in notices})
        text = listed([notice.message for notice in notices])
        alarm = Alarm("TargetDegraded", str(target), digest_of(reasons))
        title = f"{target} is degraded: {', '.join(reasons)}"
        yield _state(seen, alarm, title, text, {"reason": ", ".join(reasons)})


def _of_resources(seen: Seen) -> Iterator[State]:
    failed = {each.change.owner for target in seen.targets for each in seen.outcomes(target) if each.reason}
    for key, ready in seen.ready.items():
        if _told_as_drift(ready, seen.drifted.get(key)):
            continue
        if _unhealthy(ready) and key not in failed and not seen.is_target(key):
            alarm = Alarm("ResourceUnhealthy", str(key), ready.reason)
            yield _state(seen, alarm, f"{key}: {ready.reason}", ready.message, {"reason": ready.reason})
    for key, drifted in seen.drifted.items():
        if drifted.reason != "Repaired" and key not in seen.flapping:
            yield _drifted(seen, key, drifted)
    for key in sorted(seen.flapping):
        text = listed(fields_of(seen.drift.get(key, ())))
        title = f"{key} is flapping: changed by others again and again"
        yield _state(seen, Alarm("Flapping", str(key)), title, text)
    for subject, why in seen.suspended.items():
        yield _state(seen, Alarm("Suspended", subject, digest_of(why)), f"{subject} is suspended", why)


def _unhealthy(ready: Condition) -> bool:
    return ready.status is Truth.FALSE and ready.reason not in _NOT_UNHEALTHY


def _told_as_drift(ready: Condition, drifted: Condition | None) -> bool:
    """Where nothing is ever written, drift alone makes a resource unready; it is told once."""
    return drifted is not None and ready.reason == drifted.reason == NOT_AS_DESIRED


def _drifted(seen: Seen, key: ResourceKey, drifted: Condition) -> State:
    """News is only what differs; how that came about may be known better later."""
    changes = seen.drift.get(key, ())
    found = [[each.object_id, each.action, *map(astuple, each.fields)] for each in changes]
    alarm = Alarm("DriftDetected", str(key), digest_of(found))
    text = listed(fields_of(changes)) or drifted.message
    return _state(seen, alarm, f"{key} differs from what was applied", text, {"handling": drifted.reason})


def _state(
    seen: Seen, alarm: Alarm, title: str, text: str = "", facts: Mapping[str, str] | None = None
) -> State:
    told = dict(facts or {})
    if alarm.subject and len(seen.targets) == 1:
        told["target"] = str(seen.targets[0])
    severity = EVENTS[alarm.name].severity
    event = Event(alarm.name, severity, seen.result.at, title, text, alarm.subject, alarm.key, told)
    return State(alarm, event)
