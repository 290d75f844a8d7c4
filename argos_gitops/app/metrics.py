"""What the agent measures of itself, for Prometheus. The front asks for it, and shows it at `/metrics`.

To be imported by `measuring.agent_metrics` alone. The numbers lie in the memory of the process: files that
processes share by mapping them into memory, as prometheus_client offers, end each process that writes
(SIGBUS) as soon as their disk is full.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from argos_gitops.model.change import Cause, Result
from argos_gitops.ports.job import Job, JobReport
from argos_gitops.ports.report import DONE, PassResult
from argos_gitops.supervision.metrics import State, SupervisionMetrics

disable_created_metrics()  # type: ignore[no-untyped-call] # the library has no types
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_EVERYTHING = "all"


class AgentMetrics:
    """The instruments; a Reporter of passes. Labels are kinds, reasons and targets: few, and all ours."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ours: Mapping[str, Any] = {"registry": self._registry}
        self._passes = Counter("argos_passes", "Passes.", ["target", "result"], **ours)
        self._phases = Histogram(
            "argos_pass_seconds", "Duration of a pass by phase.", ["phase"], buckets=_SECONDS, **ours
        )
        self._changes = Counter(
            "argos_changes",
            "Changes made, failed or skipped.",
            ["kind", "action", "cause", "result"],
            **ours,
        )
        self._lag = Histogram(
            "argos_push_to_applied_seconds",
            "From hearing of a revision to having applied it.",
            buckets=_SECONDS,
            **ours,
        )
        self._drifted = Gauge(
            "argos_drifted", "Objects that the world changed, not put right.", ["target"], **ours
        )
        self._last_success = Gauge(
            "argos_last_success_timestamp_seconds", "When a pass last ended well.", ["target"], **ours
        )
        self._queues = Gauge("argos_queue_depth", "Entries that wait.", ["queue"], **ours)
        self._jobs = Counter(
            "argos_job_runs", "Runs of jobs that Schedules ask for.", ["schedule", "result"], **ours
        )
        self._job_seconds = Gauge(
            "argos_job_last_seconds", "How long the last run of a Schedule took.", ["schedule"], **ours
        )
        self._job_success = Gauge(
            "argos_job_last_success_timestamp_seconds",
            "When a run of a Schedule last ended well.",
            ["schedule"],
            **ours,
        )
        self._heartbeat = Gauge("argos_heartbeat_timestamp_seconds", "When the agent last beat.", **ours)
        self._suspended = Gauge("argos_suspended", "1 while the whole agent is suspended.", **ours)

        self._threads = SupervisionMetrics(self._registry, "thread")
        self._processes = SupervisionMetrics(self._registry, "process")
        self._docker_hosts = Gauge(
            "argos_docker_hosts", "Docker hosts by how they are: reporting, stale.", ["state"], **ours
        )

    def exposition(self) -> str:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def report(self, result: PassResult) -> None:
        target = str(result.target or _EVERYTHING)
        state = result.targets.get(result.target) if result.target else None
        word = state.result if state is not None and state.result else result.result
        self._passes.labels(target, word).inc()
        if word in DONE:
            self._last_success.labels(target).set(result.at.timestamp())
        self.phases(result.durations)
        for _, outcome in result.outcomes:
            change = outcome.change
            self._changes.labels(change.owner.kind, change.action, change.cause, outcome.result).inc()
        if result.plan is not None and not result.plan.unreachable:
            self._drifted.labels(target).set(_drifted(result))

    def phases(self, durations: Mapping[str, float]) -> None:
        """Seconds by phase: those of a pass, or of reading the source for all passes."""
        for phase, seconds in durations.items():
            self._phases.labels(phase).observe(seconds)

    def applied(self, seconds: float) -> None:
        """A new revision stands everywhere on a target, so long after we heard of it."""
        self._lag.observe(seconds)

    def queue(self, name: str, depth: int) -> None:
        self._queues.labels(name).set(depth)

    def job(self, job: Job, report: JobReport, seconds: float, at: datetime) -> None:
        """A run of a job that a Schedule asks for has ended."""
        name = job.schedule.name
        self._jobs.labels(name, report.reason).inc()
        self._job_seconds.labels(name).set(seconds)
        if report.ok:
            self._job_success.labels(name).set(at.timestamp())

    def beat(self, at: datetime) -> None:
        self._heartbeat.set(at.timestamp())

    def docker_hosts(self, counts: Mapping[str, int]) -> None:
        for state, number in counts.items():
            self._docker_hosts.labels(state).set(number)

    def threads(self, states: Iterable[State]) -> None:
        self._threads.show(states)

    def processes(self, states: Iterable[State]) -> None:
        self._processes.show(states)

    def suspended(self, suspended: bool) -> None:
        self._suspended.set(suspended)


def _drifted(result: PassResult) -> int:
    """Drifted objects that this pass saw and did not repair."""
    seen = sum(change.cause is Cause.DRIFT for _, change in result.plan.changes()) if result.plan else 0
    repaired = sum(
        outcome.change.cause is Cause.DRIFT and outcome.result is Result.DONE
        for _, outcome in result.outcomes
    )
    return max(0, seen - repaired)
