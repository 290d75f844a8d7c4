"""The Reporter that writes passes into the audit log: what was done, and what was refused."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.errors import StoreError
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.lines import shorten
from argos_gitops.ports.audit import AuditEntry, AuditLog
from argos_gitops.ports.report import PassResult

_TOLD_BY_OUTCOMES = frozenset({"Applied", "NoChange", "Waiting", "Failed", "RolledBack"})
_NO_DEEDS = frozenset({"Declined", "Unreachable", "Locked"})
_REFUSALS = frozenset({"Blocked", "InvalidConfiguration", "StalePlan"})

_TIMELESS = datetime.min.replace(tzinfo=UTC)
_LONGEST_MESSAGE = 1000
_MOST_UNSENT = 10_000


class AuditReporter:
    """Appends what `actor` did in each pass; a pass that does nothing appends nothing.

    A failure or refusal that only repeats the last pass over the same target is not appended again.
    What cannot be appended is kept, and goes with the next pass.
    """

    def __init__(self, log: AuditLog, actor: str) -> None:
        self._log = log
        self._actor = actor
        self._turn = Lock()
        self._troubles: dict[ResourceKey | None, frozenset[AuditEntry]] = {}
        self._unsent: list[AuditEntry] = []

    def report(self, result: PassResult) -> None:
        """Raises StoreError when the log cannot be reached."""
        with self._turn:
            entries = [*self._unsent, *self._news(result)]
            self._unsent = []
            try:
                self._log.append(entries)
            except StoreError:
                self._unsent = entries[-_MOST_UNSENT:]
                raise

    def _news(self, result: PassResult) -> list[AuditEntry]:
        entries = list(entries_of(result, self._actor))
        before = self._troubles.get(result.target, frozenset())
        self._troubles[result.target] = frozenset(
            replace(entry, at=_TIMELESS) for entry in entries if entry.outcome != Result.DONE.value
        )
        return [entry for entry in entries if replace(entry, at=_TIMELESS) not in before]


def entries_of(result: PassResult, actor: str) -> Iterator[AuditEntry]:
    """Pure: one entry for each change that was tried, and one for a pass that failed or was refused."""
    revision = result.revision.sha if result.revision is not None else ""
    for system, outcome in result.outcomes:
        yield replace(_tried(system, outcome), at=result.at, actor=actor, revision=revision)
    ended = result.own_result or result.result
    if ended not in _TOLD_BY_OUTCOMES | _NO_DEEDS:
        yield AuditEntry(
            at=result.at,
            actor=actor,
            action="apply",
            outcome="refused" if ended in _REFUSALS else Result.FAILED.value,
            revision=revision,
            target=str(result.target or ""),
            message=shorten(f"{ended}: {_why(result)}", _LONGEST_MESSAGE),
        )


def _tried(system: SystemKey, outcome: Outcome) -> AuditEntry:
    change = outcome.change
    return AuditEntry(
        at=_TIMELESS,
        actor="",
        action=change.action.value,
        outcome=outcome.result.value,
        cause=change.cause.value,
        target=str(system.target),
        subject=str(change.owner),
        object_id=change.object_id,
        message=shorten(_told(outcome), _LONGEST_MESSAGE),
    )


def _told(outcome: Outcome) -> str:
    """Why it failed; else what it changed, masked as the plan shows it."""
    if outcome.result is not Result.DONE:
        return f"{outcome.reason}: {outcome.message}"
    fields = (f"{each.name} {each.before or '-'} → {each.after or '-'}" for each in outcome.change.fields)
    return "; ".join([*([outcome.change.note] if outcome.change.note else []), *fields])


def _why(result: PassResult) -> str:
    """In the words of the one target that the pass was over, if it was."""
    state = result.targets.get(result.target) if result.target is not None else None
    return state.message if state is not None and state.message else result.message
