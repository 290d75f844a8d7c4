"""A supervised thread works until it is told to stop, whatever its work does."""

import ast
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from argos_gitops.supervision import supervised
from argos_gitops.supervision.backoff import Backoff, doubled
from argos_gitops.supervision.metrics import SupervisionMetrics
from argos_gitops.supervision.supervised import (
    SupervisedThread,
    ThreadState,
    supervised_threads,
    threads_subsystem,
)

PACKAGE = Path(__file__).parents[2] / "argos_gitops"
# Threads that end with one piece of work, or that a library keeps; everything else is supervised.
ONE_SHOT = {
    "app/agent.py": "looks once after SIGHUP",
    "notify/attempt.py": "one message",
    "providers/docker/compose/process.py": "the pipes of one process",
    "scheduling/timetable.py": "one run of a job",
    "supervision/supervised.py": "the supervisor itself",
}


def until(holds: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what or holds}"
        time.sleep(0.01)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    over = threading.Event()
    yield over
    over.set()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "_FIRST_PAUSE", timedelta(milliseconds=1))


@pytest.mark.parametrize("ending", [ValueError("canary"), SystemExit(1), MemoryError(), KeyboardInterrupt()])
def test_work_that_raises_is_done_again(ending: BaseException, over: threading.Event) -> None:
    """Also what `except Exception` lets pass; its message, which may quote a secret, is told nowhere."""
    done = []

    def work() -> None:
        done.append(1)
        if len(done) < 3:
            raise ending
        over.wait()

    thread = SupervisedThread("fragile", work, over.is_set)
    thread.start()
    until(lambda: len(done) == 3)
    state = thread.state()
    assert (state.alive, state.restarts, state.failing) == (True, 2, True)
    assert f"{type(ending).__name__} at {__name__}:" in state.error
    assert "canary" not in state.error
    over.set()
    thread.join(10)
    assert not thread.is_alive()
    assert thread not in supervised_threads()


def test_work_that_returns_too_early_is_done_again(over: threading.Event) -> None:
    done = []
    thread = SupervisedThread("early", lambda: done.append(1), over.is_set)
    thread.start()
    until(lambda: len(done) > 2)
    assert "without having been told" in thread.state().error


def test_a_thread_that_fails_is_seen_in_health_and_metrics(over: threading.Event) -> None:
    def work() -> None:
        raise ValueError

    thread = SupervisedThread("broken", work, over.is_set)
    thread.start()
    until(lambda: thread.state().restarts)
    health = threads_subsystem()
    assert (health.name, health.state) == ("threads", "failing")
    assert "broken: ValueError at" in health.error
    assert "restarted" in health.error
    registry = CollectorRegistry()
    metrics = SupervisionMetrics(registry, "thread")
    metrics.show([ThreadState("broken", alive=False, restarts=2, failing=True)])
    metrics.show([ThreadState("broken", alive=True, restarts=5, failing=True)])
    assert registry.get_sample_value("argos_thread_restarts_total", {"thread": "broken"}) == 5
    assert registry.get_sample_value("argos_thread_alive", {"thread": "broken"}) == 1
    metrics.show([])
    assert registry.get_sample_value("argos_thread_alive", {"thread": "broken"}) != 0
    over.set()
    thread.join(10)
    assert "broken" not in threads_subsystem().error


def test_a_thread_that_is_dead_though_it_should_run_is_failing(over: threading.Event) -> None:
    thread = SupervisedThread("never", over.wait, over.is_set)
    assert thread.state().failing


@given(st.integers(0, 100_000), st.floats(0.001, 3600), st.floats(0.001, 3600))
def test_pauses_never_overflow_and_keep_to_the_longest(failures: int, first: float, longest: float) -> None:
    pause = doubled(timedelta(seconds=first), failures, timedelta(seconds=longest))
    assert timedelta() < pause <= timedelta(seconds=longest)


def test_ten_thousand_failures_in_a_row_are_one_pause() -> None:
    backoff = Backoff()
    for _ in range(10_000):
        pause = backoff.failed()
    assert pause <= timedelta(minutes=5.5)


def test_no_thread_of_ours_is_left_without_supervision() -> None:
    """A thread that loops is a SupervisedThread; the others are listed above, with what ends them."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"threading.Thread", "Thread"}
    }
    assert found == set(ONE_SHOT)


def test_no_backoff_of_ours_is_computed_by_hand() -> None:
    """`2 ** failures` overflows some day; `doubled` cannot."""
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow | ast.LShift)
        and not isinstance(node.right, ast.Constant)
        and any(word in ast.unparse(node.right) for word in ("fail", "attempt", "tries", "retr"))
    ]
    assert found == []
