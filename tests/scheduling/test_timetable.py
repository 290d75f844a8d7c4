"""Jobs run again and again, whatever one of them does, and whatever the clock does."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.base import BaseTrigger

from argos_gitops.ports.health import Subsystem
from argos_gitops.scheduling.timetable import Times, Timetable

_PATIENCE = 30
HOUR = timedelta(hours=1)


class Lines:
    """A log that keeps its lines, and tells of each."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.written = threading.Event()

    def warning(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))
        self.written.set()


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def timetable(log: Lines) -> Iterator[Timetable]:
    timetable = Timetable(log)
    yield timetable
    timetable.stop()


def test_a_job_runs_at_once_and_again(timetable: Timetable) -> None:
    runs = threading.Semaphore(0)
    timetable.every(timedelta(milliseconds=50), runs.release, name="poll")
    timetable.start()
    assert all(runs.acquire(timeout=_PATIENCE) for _ in range(3))


def test_a_job_that_fails_is_told_and_runs_again(timetable: Timetable, log: Lines) -> None:
    failures = threading.Semaphore(0)

    def fail() -> None:
        failures.release()
        raise ValueError("the disk is full")

    timetable.every(timedelta(milliseconds=50), fail, name="retention")
    timetable.start()
    assert all(failures.acquire(timeout=_PATIENCE) for _ in range(2))
    assert log.written.wait(_PATIENCE)
    assert log.lines[0] == ("job_failed", {"job": "retention", "message": "ValueError: the disk is full"})
    (state,) = timetable.subsystems()
    assert (state.name, state.state, state.error) == ("retention", "failing", "ValueError: the disk is full")
    assert state.next_run is not None


def test_a_job_never_runs_beside_itself(timetable: Timetable) -> None:
    """A slow one makes the others of its name fall away, not pile up; other jobs go on."""
    release, others = threading.Event(), threading.Semaphore(0)
    running: list[str] = []

    def slow() -> None:
        running.append("slow")
        release.wait(_PATIENCE)

    timetable.every(timedelta(milliseconds=20), slow, name="slow")
    timetable.every(timedelta(milliseconds=20), others.release, name="other")
    timetable.start()
    assert all(others.acquire(timeout=_PATIENCE) for _ in range(5))
    assert running == ["slow"]
    release.set()


def test_a_job_apart_keeps_no_other_waiting(timetable: Timetable) -> None:
    """However many take long: each has a thread of its own, and the timetable says how it last was."""
    release, began, others = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    def slow() -> None:
        began.release()
        release.wait(_PATIENCE)

    timetable.start()
    for number in range(15):
        known = Subsystem(f"slow {number}", "ok", last_run=datetime(2026, 1, 1, tzinfo=UTC))
        timetable.apart_at_cron(slow, Times("0 3 * * *"), at_once=True, known=known)
    assert all(began.acquire(timeout=_PATIENCE) for _ in range(15))
    timetable.every(timedelta(milliseconds=20), others.release, name="other")
    assert others.acquire(timeout=_PATIENCE)
    assert {each.last_run for each in timetable.subsystems() if each.name != "other"} == {known.last_run}
    release.set()


def test_a_job_apart_that_fails_is_told(timetable: Timetable, log: Lines) -> None:
    def fail() -> None:
        raise ValueError("the registry is away")

    timetable.start()
    timetable.apart_at_cron(fail, Times("0 3 * * *"), at_once=True, known=Subsystem("updates", "waiting"))
    assert log.written.wait(_PATIENCE)
    (state,) = timetable.subsystems()
    assert (state.state, state.error) == ("failing", "ValueError: the registry is away")


def test_the_state_can_be_asked_for_before_the_start(timetable: Timetable) -> None:
    """An agent says how it is from its first moment on."""
    timetable.at_cron("0 0 * * *", lambda: None, name="nightly")
    times, known = Times("0 3 * * *"), Subsystem("a", "waiting")
    timetable.apart_at_cron(lambda: None, times, at_once=True, known=known)
    assert [each.name for each in timetable.subsystems()] == ["a"]


def test_a_job_apart_is_replaced_and_dropped(timetable: Timetable) -> None:
    """It has one time at a time, and none once it is gone."""
    timetable.start()
    for hour in (3, 4):
        times = Times(f"0 {hour} * * *", "UTC")
        timetable.apart_at_cron(lambda: None, times, at_once=False, known=Subsystem("a", "waiting"))
    assert timetable.next_runs()["a"].hour == 4
    timetable.drop("a")
    assert timetable.next_runs() == {}


def test_the_next_runs_can_be_read(timetable: Timetable) -> None:
    done = threading.Event()
    timetable.every(HOUR, done.set, name="address", jitter=0.1)
    timetable.at_cron("17 3 * * *", lambda: None, name="retention", time_zone="Europe/Berlin")
    timetable.start()
    assert done.wait(_PATIENCE)
    now, runs = datetime.now(UTC), timetable.next_runs()
    assert now + 0.8 * HOUR < runs["address"] < now + 1.2 * HOUR
    assert now < runs["retention"] <= now + timedelta(hours=25)
    assert runs["retention"].minute == 17


def test_days_of_the_week_are_those_of_crontab(timetable: Timetable) -> None:
    """0 is Sunday here, and Monday to APScheduler."""
    timetable.at_cron("0 0 * * 0", lambda: None, name="weekly")
    timetable.start()
    assert timetable.next_runs()["weekly"].strftime("%A") == "Sunday"


def test_a_clock_that_is_put_back_delays_nothing(timetable: Timetable) -> None:
    """What was an hour away stays an hour away when the clock goes back by a day."""
    done = threading.Event()
    timetable.every(HOUR, done.set, name="poll")
    timetable.at_cron("0 0 * * *", lambda: None, name="nightly")
    timetable.start()
    assert done.wait(_PATIENCE)
    before = timetable.next_runs()
    timetable.clock_moved(timedelta(days=-1))
    after = timetable.next_runs()
    assert before["poll"] - after["poll"] == timedelta(days=1)
    assert after["nightly"] <= datetime.now(UTC) + timedelta(days=1)


def test_stopping_waits_for_nobody(log: Lines) -> None:
    timetable, began, release = Timetable(log), threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        release.wait(_PATIENCE)

    timetable.every(HOUR, hang, name="hang")
    timetable.start()
    assert began.wait(_PATIENCE)
    timetable.stop()
    assert not release.is_set()
    release.set()


def test_a_schedule_that_breaks_the_timetable_once_stops_no_other_job(timetable: Timetable) -> None:
    """The thread of APScheduler ends with the first trigger that raises; it is started again."""
    runs = threading.Semaphore(0)
    timetable.start()
    timetable._scheduler.add_job(int, _Broken(), id="broken", next_run_time=datetime.now(UTC))  # noqa: SLF001 # no schedule of ours raises
    timetable.every(timedelta(milliseconds=50), runs.release, name="poll")
    assert all(runs.acquire(timeout=_PATIENCE) for _ in range(3))


class _Broken(BaseTrigger):  # type: ignore[misc] # APScheduler ships no types
    raised = False

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        if self.raised:
            return None
        self.raised = True
        raise ArithmeticError("no such day")
