"""Jobs that run again and again in the threads of one process."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from cronsim import CronSim

from argos_gitops.ports.health import Subsystem
from argos_gitops.supervision.supervised import SupervisedThread

_CHECK_SECONDS = 30.0
_JUMP = timedelta(seconds=5)

Job = Callable[[], object]

_APART = "apart"


@dataclass(frozen=True, slots=True)
class Times:
    """A cron expression of five fields, and the time zone that it is meant in."""

    schedule: str
    time_zone: str = "UTC"


class Log(Protocol):
    def warning(self, event: str, **facts: object) -> object: ...


class Timetable:
    """A job must end by itself within seconds; one that raises is logged, and runs again the next time.

    A job never runs beside itself, and runs that were missed while the machine slept are one run. A clock
    that is put back does not make jobs wait for the time to come again.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._known: dict[str, Subsystem] = {}
        self._stop = threading.Event()
        self._clock = SupervisedThread("clock", self._follow_clock, self._stop.is_set)
        # What APScheduler would say of a job that failed is told by our listener, as a line of our log.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler = _Scheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._scheduler.add_executor(_ThreadEach(), _APART)
        self._scheduler.add_listener(self._ran, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)

    def every(self, interval: timedelta, job: Job, *, name: str, jitter: float = 0.0) -> None:
        """Runs `job` soon after the start, then every `interval`, give or take the share `jitter` of it."""
        seconds = interval.total_seconds()
        trigger = IntervalTrigger(seconds=seconds, jitter=seconds * jitter or None, timezone=UTC)
        self._scheduler.add_job(job, trigger, id=name, next_run_time=datetime.now(UTC))

    def at_cron(self, schedule: str, job: Job, *, name: str, time_zone: str = "UTC") -> None:
        """Runs `job` whenever the cron expression says, with the days of the week as in crontab(5)."""
        self._scheduler.add_job(job, _Cron(schedule, ZoneInfo(time_zone)), id=name)

    def apart_at_cron(self, job: Job, times: Times, *, at_once: bool, known: Subsystem) -> None:
        """The same for a job that may take long, in a thread of its own; `at_once` runs it now as well.

        Takes the place of the one with this name. `known` says how it was when it last ran, under its name.
        """
        trigger = _Cron(times.schedule, ZoneInfo(times.time_zone))
        now = {"next_run_time": datetime.now(UTC)} if at_once else {}
        with self._lock:
            self._known[known.name] = known
        self._scheduler.add_job(job, trigger, id=known.name, executor=_APART, replace_existing=True, **now)

    def drop(self, name: str) -> None:
        """No run of this job begins any more."""
        self._scheduler.remove_job(name)
        with self._lock:
            self._known.pop(name, None)

    def start(self) -> None:
        self._scheduler.start()
        self._clock.start()

    def stop(self) -> None:
        """No job begins any more; one that runs is not waited for."""
        self._stop.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def next_runs(self) -> dict[str, datetime]:
        """When each job runs next, in UTC; before the start, only those that begin with it."""
        times = {job.id: getattr(job, "next_run_time", None) for job in self._scheduler.get_jobs()}
        return {name: when.astimezone(UTC) for name, when in times.items() if when is not None}

    def subsystems(self) -> Sequence[Subsystem]:
        """How the jobs are, by their names."""
        with self._lock:
            known = dict(self._known)
        return [
            replace(known.get(name, Subsystem(name, "waiting")), next_run=when)
            for name, when in sorted(self.next_runs().items())
        ]

    def clock_moved(self, by: timedelta) -> None:
        """Moves what is to come along with a clock that was put back."""
        for job in self._scheduler.get_jobs():
            if isinstance(job.trigger, IntervalTrigger):
                job.modify(next_run_time=job.next_run_time + by)
            else:
                job.reschedule(job.trigger)

    def _ran(self, event: JobExecutionEvent) -> None:
        now, name = datetime.now(UTC), event.job_id
        error = "" if event.exception is None else f"{type(event.exception).__name__}: {event.exception}"
        with self._lock:
            known = self._known.get(name, Subsystem(name, "waiting"))
            if error:
                self._known[name] = replace(known, state="failing", last_run=now, error=error)
            else:
                self._known[name] = replace(known, state="ok", last_run=now, last_success=now, error="")
        if error:
            self._log.warning("job_failed", job=name, message=error)

    def _follow_clock(self) -> None:
        offset = _offset()
        while not self._stop.wait(_CHECK_SECONDS):
            before, offset = offset, _offset()
            if offset < before - _JUMP:
                self.clock_moved(offset - before)


def _offset() -> timedelta:
    """By how much the wall clock is ahead of the one that only runs forward."""
    return timedelta(seconds=time.time() - time.monotonic())


class _Scheduler(BackgroundScheduler):  # type: ignore[misc] # APScheduler ships no types
    """APScheduler's own thread ends for good with the first trigger or store that raises."""

    def start(self, paused: bool = False) -> None:
        self._event = threading.Event()
        BaseScheduler.start(self, paused)
        self._thread = SupervisedThread("timetable", self._work, lambda: self.state == STATE_STOPPED)
        self._thread.start()

    def _work(self) -> None:
        self._event.set()  # or the loop, begun anew, would wait until somebody adds a job
        self._main_loop()


class _ThreadEach(BaseExecutor):  # type: ignore[misc] # APScheduler ships no types
    """A thread for each run, that the end of the process does not wait for."""

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:
        threading.Thread(target=self._run, args=(job, run_times), name=job.id, daemon=True).start()

    def _run(self, job: Any, run_times: Sequence[datetime]) -> None:
        # What the job raises becomes one of the events, so that nothing can be raised here.
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001 # as all executors
        self._run_job_success(job.id, events)


class _Cron(BaseTrigger):  # type: ignore[misc] # APScheduler ships no types
    """APScheduler's own cron counts days of the week from Monday, which is nobody's crontab."""

    def __init__(self, schedule: str, zone: tzinfo) -> None:
        self._schedule = schedule
        self._zone = zone

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        beginnings = (begin.astimezone(UTC) for begin in CronSim(self._schedule, now.astimezone(self._zone)))
        return next((begin for begin in beginnings if begin > now), None)
