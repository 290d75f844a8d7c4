"""Composes the timetable with the jobs that the resources of the revision in force ask for."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.job import Job, JobReport, JobRun
from argos_gitops.reconcile.crew import is_ours
from argos_gitops.reconcile.holds import orders_of
from argos_gitops.reconcile.jobs import JobParts, JobRunner
from argos_gitops.reconcile.look import Desired
from argos_gitops.scheduling.timetable import Times, Timetable

if TYPE_CHECKING:
    from argos_gitops.app.application import Application

Ran = Callable[[Job, JobReport, float], None]


class Schedules:
    """Of one running agent. `ran` is told of each run, in the thread of that run."""

    def __init__(
        self, application: "Application", timetable: Timetable, ran: Ran, stopping: Callable[[], bool]
    ) -> None:
        self._application = application
        self._timetable = timetable
        self._runner = JobRunner(_parts(application, ran, stopping, self._may))
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._desired: Desired | None = None

    def follow(self, desired: Desired) -> list[str]:
        """Takes over a revision that came into force; the names of jobs that are no more."""
        jobs = {
            job.name: job for job in self._application.jobs(desired.state.resources) if self._is_ours(job)
        }
        with self._lock:
            before, self._jobs, self._desired = self._jobs, jobs, desired
        gone = [name for name in before if name not in jobs]
        for name in gone:
            self._timetable.drop(name)
        known = {run.job: run for run in self._application.job_runs.all()} if jobs else {}
        for name, job in jobs.items():
            if name not in before or _times(before[name]) != _times(job):
                self._schedule(job, known)
        if jobs or before:
            self._application.job_runs.keep([*jobs])
        return gone

    def _schedule(self, job: Job, known: Mapping[str, JobRun]) -> None:
        name = job.name
        self._timetable.apart_at_cron(
            lambda: self._run(name),
            _times(job),
            at_once=self._runner.missed(job),
            known=_subsystem(name, known.get(name)),
        )

    def _run(self, name: str) -> None:
        with self._lock:
            job, desired = self._jobs.get(name), self._desired
        if job is not None and desired is not None:
            self._runner.run(job, desired)

    def _is_ours(self, job: Job) -> bool:
        return job.target is None or self._may(job.target)

    def _may(self, target: ResourceKey) -> bool:
        return is_ours(target, self._application.settings.targets)


def _parts(
    application: "Application",
    ran: Ran,
    stopping: Callable[[], bool],
    ours: Callable[[ResourceKey], bool],
) -> JobParts:
    return JobParts(
        runs=application.job_runs,
        locks=application.locks,
        status=application.statuses,
        audit=application.audit,
        clock=application.clock,
        actor=application.actor,
        orders=lambda now: orders_of(application.controls, now),
        proposer=lambda: application.forge.proposals,
        ran=ran,
        stopping=stopping,
        ours=ours,
    )


def _times(job: Job) -> Times:
    return Times(job.cron, job.time_zone)


def _subsystem(name: str, run: JobRun | None) -> Subsystem:
    """How a job was when it last ran, perhaps in an earlier process."""
    if run is None or run.ended_at is None:
        return Subsystem(name, "waiting")
    success = run.ended_at if run.ok else None
    error = "" if run.ok else f"{run.reason}: {run.message}"
    return Subsystem(name, "ok" if run.ok else "failing", run.started_at, success, error)
