"""Running jobs: once for each time over all replicas, beside no pass, and told wherever passes are."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argos_gitops.model.condition import LAST_RUN, Condition, Truth
from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.windows import closed, last_beginning
from argos_gitops.ports.audit import AuditEntry, AuditLog
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.control import Orders
from argos_gitops.ports.job import Effect, Job, JobReport, JobRun, JobRuns, Occasion, Proposals
from argos_gitops.ports.lock import Hold, Locks
from argos_gitops.ports.proposal import Proposer
from argos_gitops.ports.store import StatusStore
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.holds import suspended
from argos_gitops.reconcile.look import Desired

HELD = frozenset({"Suspended", "WindowClosed", "Pinned"})
"""Reasons why a run did nothing that are nobody's failure."""

PATIENCE = timedelta(minutes=30)
"""How long a pass over the target is waited for: it may await the health of what it started."""

_PAUSE_SECONDS = 1.0
_MOST_CHARACTERS = 4000


def _never() -> bool:
    return False


def _any(_: ResourceKey) -> bool:
    return True


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class JobParts:
    """The ports of a JobRunner. `actor` is who it all is done by, for the audit log; `ran` is told of each
    run with its seconds; `ours` are the targets that this agent is for."""

    runs: JobRuns
    locks: Locks
    status: StatusStore
    audit: AuditLog
    clock: Clock
    actor: str
    orders: Callable[[datetime], Orders]
    proposer: Callable[[], Proposer]
    ran: Callable[[Job, JobReport, float], None] = _nothing
    stopping: Callable[[], bool] = _never
    ours: Callable[[ResourceKey], bool] = _any
    patience: timedelta = PATIENCE


class JobRunner:
    """Safe in several threads."""

    def __init__(self, parts: JobParts) -> None:
        self._parts = parts

    def missed(self, job: Job) -> bool:
        """Whether a time of a known job went by while no agent ran, and should be made up for."""
        run = self._due(job)
        if run is None:
            return False
        self._parts.runs.expect(run)
        known = next((each for each in self._parts.runs.all() if each.job == job.name), run)
        return job.catch_up and known.due < run.due

    def run(self, job: Job, desired: Desired) -> bool:
        """Does what is due now, if nobody else does; whether it was done here.

        Raises TerminalError once a run that failed has been kept and told; StoreError.
        """
        run = self._due(job)
        if run is None or not self._parts.runs.claim(run):
            return False
        began = time.monotonic()
        report = self._report(job, desired, run)
        self._parts.runs.conclude(_ended(run, report, self._parts.clock.now()))
        self._tell(job, report, desired)
        self._parts.ran(job, report, time.monotonic() - began)
        if not report.ok:
            raise TerminalError(report.message, reason=report.reason)
        return True

    def _due(self, job: Job) -> JobRun | None:
        now = self._parts.clock.now()
        due = last_beginning(job.cron, job.time_zone, now)
        timing = f"{job.cron} {job.time_zone}"
        return None if due is None else JobRun(job.name, job.schedule, timing, due, started_at=now)

    def _report(self, job: Job, desired: Desired, run: JobRun) -> JobReport:
        result = contained(lambda: self._done(job, desired, run.started_at or run.due))
        if isinstance(result, Failure):
            return JobReport(result.reason, result.message, ok=False)
        return result

    def _done(self, job: Job, desired: Desired, now: datetime) -> JobReport:
        held = self._held(job, desired, now)
        if held is not None:
            return held
        with self._hold(job) as hold:
            report = job.run(self._occasion(desired, now, hold))
        return report if report.proposed is None else self._delivered(report, report.proposed)

    def _occasion(self, desired: Desired, now: datetime, hold: Hold | None) -> Occasion:
        def go_on() -> None:
            if hold is not None:
                hold.verify()
            if self._parts.stopping():
                raise TransientError("stopped, as the agent ends; it goes on next time", reason="Interrupted")

        def why(target: ResourceKey) -> str:
            found = self._why(target, desired, now, self._parts.orders(now))
            return found.message if found is not None else ""

        def is_suspended(key: ResourceKey) -> bool:
            return bool(suspended(desired.state.resources, self._parts.orders(now)).why(key))

        return Occasion(now, desired.revision, why, go_on, self._parts.ours, is_suspended)

    def _held(self, job: Job, desired: Desired, now: datetime) -> JobReport | None:
        """Why a job does nothing this time."""
        orders = self._parts.orders(now)
        why = suspended(desired.state.resources, orders).why(job.schedule)
        if why:
            return JobReport("Suspended", why)
        if job.effect is Effect.PROPOSES and orders.pin is not None:
            return JobReport(
                "Pinned", f"git is not followed: somebody went back to {orders.pin.revision[:7]}"
            )
        if job.effect is Effect.WRITES and job.target is not None:
            return self._why(job.target, desired, now, orders)
        return None

    def _why(self, target: ResourceKey, desired: Desired, now: datetime, orders: Orders) -> JobReport | None:
        why = suspended(desired.state.resources, orders).why(target)
        if why:
            return JobReport("Suspended", why)
        override = orders.override.until if orders.override is not None else None
        found = closed(desired.agent.windows, target, now, override)
        return None if found is None else JobReport("WindowClosed", f"{target} {found.sentence}")

    @contextmanager
    def _hold(self, job: Job) -> Iterator[Hold | None]:
        """The lock of the target that is written to."""
        with ExitStack() as stack:
            writes = job.effect is Effect.WRITES and job.target is not None
            yield self._patiently(stack, str(job.target)) if writes else None

    def _patiently(self, stack: ExitStack, name: str) -> Hold:
        """Once the pass that has it is over; raises TransientError when that takes too long."""
        deadline = time.monotonic() + self._parts.patience.total_seconds()
        while True:
            try:
                return stack.enter_context(self._parts.locks.hold(name))
            except TransientError:
                if time.monotonic() >= deadline or self._parts.stopping():
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _delivered(self, report: JobReport, proposed: Proposals) -> JobReport:
        """The report, with where people find what is proposed; raises ReportError."""
        proposer = self._parts.proposer()
        if proposed.direct:
            places = [f"commit {proposer.commit(each)[:7]}" for each in proposed.proposals]
        else:
            places = [proposer.propose(each) for each in proposed.proposals]
            kept = {each.key for each in proposed.proposals} | {*proposed.undecided}
            places += [f"{url} closed" for url in proposer.withdraw(proposed.topic, kept)]
        return replace(report, message="; ".join([report.message, *places]))

    def _tell(self, job: Job, report: JobReport, desired: Desired) -> None:
        """The audit log, and the conditions of the schedule, which the next pass takes along."""
        self._parts.audit.append([*self._entries(job, report, desired)])
        runs = [run for run in self._parts.runs.all() if run.schedule == job.schedule and run.ended_at]
        conditions = list(conditions_of(job.schedule, runs, self._parts.clock.now()))
        self._parts.status.set_conditions({job.schedule: conditions})
        self._parts.status.set_reported("", None)

    def _entries(self, job: Job, report: JobReport, desired: Desired) -> Iterator[AuditEntry]:
        outcome = "skipped" if report.reason in HELD else "done" if report.ok else "failed"
        of_run = AuditEntry(
            at=self._parts.clock.now(),
            actor=self._parts.actor,
            action="run",
            outcome=outcome,
            cause=str(job.schedule),
            revision=desired.revision.sha,
            target=str(job.target or ""),
            subject=str(job.schedule),
            message=f"{report.reason}: {report.message}",
        )
        yield of_run
        for deed in report.deeds:
            yield replace(
                of_run,
                action=deed.action,
                outcome=deed.outcome,
                object_id=deed.object_id,
                message=deed.message,
            )


def conditions_of(schedule: ResourceKey, runs: Sequence[JobRun], now: datetime) -> Iterator[Condition]:
    """Whether the last runs of a schedule went well, and what they did: one word for all its targets."""
    if not runs:
        return
    worst = min(runs, key=lambda run: (bool(run.ok), run.reason not in HELD))
    status = Truth.FALSE if not worst.ok else Truth.UNKNOWN if worst.reason in HELD else Truth.TRUE
    messages = "; ".join(_told(run, run.message) for run in runs)
    yield Condition(schedule, "Ready", status, worst.reason, messages, now)
    details = "; ".join(_told(run, ", ".join(run.details)) for run in runs if run.details)
    if details:
        yield Condition(schedule, LAST_RUN, Truth.TRUE, worst.reason, _shortened(details), now)


def _told(run: JobRun, what: str) -> str:
    target = run.job.removeprefix(str(run.schedule)).strip()
    return f"{target}: {what}" if target else what


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} …"


def _ended(run: JobRun, report: JobReport, at: datetime) -> JobRun:
    return replace(
        run,
        ended_at=at,
        ok=report.ok,
        reason=report.reason,
        message=report.message,
        details=tuple(report.details),
    )
