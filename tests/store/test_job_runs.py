"""The last run of each job: done once for each time, whoever of several replicas comes first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

from sqlalchemy import Engine

from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.job import JobRun
from argos_gitops.store.job_runs import SqlJobRuns
from tests.fakes import START

RUN = JobRun("Schedule/a", ResourceKey("Schedule", "a"), "0 3 * * * UTC", START, started_at=START)


def test_a_run_is_kept_with_how_it_ended(store: Engine) -> None:
    runs = SqlJobRuns(store, "one")
    assert runs.claim(RUN)
    assert runs.all() == [RUN]
    ended = replace(RUN, ended_at=START, ok=True, reason="Freed", message="1 GiB", details=("a", "b"))
    runs.conclude(ended)
    assert runs.all() == [ended]
    assert SqlJobRuns(store, "another").all() == []


def test_a_time_is_claimed_once(store: Engine) -> None:
    """And an earlier one never; a later one is another run, and so is another timing."""
    runs = SqlJobRuns(store, "one")
    assert runs.claim(RUN)
    assert not runs.claim(RUN)
    assert not runs.claim(replace(RUN, due=START - timedelta(hours=1)))
    assert runs.claim(replace(RUN, due=START + timedelta(hours=1)))
    assert runs.claim(replace(RUN, timing="0 4 * * * UTC", due=START))


def test_of_replicas_at_the_same_moment_one_gets_it(open_store: Callable[[], Engine]) -> None:
    replicas = [SqlJobRuns(open_store(), "one") for _ in range(4)]
    replicas[0].expect(replace(RUN, due=START - timedelta(days=1)))
    barrier, got = Barrier(len(replicas)), list[bool]()

    def claim(runs: SqlJobRuns) -> None:
        barrier.wait()
        got.append(runs.claim(RUN))

    threads = [Thread(target=claim, args=(runs,)) for runs in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False, False, False, True]


def test_what_is_expected_is_no_run(store: Engine) -> None:
    """A job that is known keeps what is known of it."""
    runs = SqlJobRuns(store, "one")
    runs.expect(RUN)
    runs.expect(replace(RUN, due=START + timedelta(hours=1)))
    assert [run.due for run in runs.all()] == [START]
    assert not runs.claim(RUN)


def test_an_end_that_comes_too_late_says_nothing_of_the_next_run(store: Engine) -> None:
    runs = SqlJobRuns(store, "one")
    later = replace(RUN, due=START + timedelta(hours=1))
    assert runs.claim(RUN)
    assert runs.claim(later)
    runs.conclude(replace(RUN, ended_at=START, ok=False))
    assert runs.all() == [later]


def test_jobs_that_are_gone_are_forgotten(store: Engine) -> None:
    runs = SqlJobRuns(store, "one")
    runs.claim(RUN)
    runs.claim(replace(RUN, job="Schedule/b", schedule=ResourceKey("Schedule", "b")))
    runs.keep(["Schedule/b"])
    assert [run.job for run in runs.all()] == ["Schedule/b"]
