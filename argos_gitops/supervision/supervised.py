"""Threads that run as long as the process does: restarted when their work ends, and seen by whoever asks.

`supervised_threads` is process-wide, as threads are: every SupervisedThread that was started and not told
to stop is in it, whether it is alive or not.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from argos_gitops.ports.health import THREADS, Subsystem
from argos_gitops.supervision.backoff import Backoff

STEADY_SECONDS = 60.0
"""A restarted thread counts as failing until its work has run for so long without ending."""

_FIRST_PAUSE = timedelta(milliseconds=500)
_LONGEST_PAUSE = timedelta(seconds=30)
_LOOK_SECONDS = 0.1
_NAMED = 3

_LOG = logging.getLogger("argos_gitops.supervision")


@dataclass(frozen=True, slots=True)
class ThreadState:
    """One supervised thread. `error` says how its work last ended; `failing` while that is not overcome."""

    name: str
    alive: bool
    restarts: int
    failing: bool
    error: str = ""


class SupervisedThread:
    """A daemon thread that does `work` again and again until `stopping` holds.

    `work` loops by itself and returns once it is told to stop. When it returns earlier, or raises anything at
    all, it is called again after a pause that doubles up to half a minute; each such end is logged and
    counted. `work` must therefore be fit to begin anew.
    """

    def __init__(self, name: str, work: Callable[[], object], stopping: Callable[[], bool]) -> None:
        self.name = name
        self._work = work
        self._stopping = stopping
        self._backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._restarts = 0
        self._error = ""
        self._steady_from = 0.0
        self._started = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """RuntimeError when the system gives no more threads; nothing is registered then."""
        self._thread.start()
        self._started = True
        _REGISTRY.add(self)

    def join(self, timeout: float | None = None) -> None:
        """Returns at once when it never started."""
        if self._started:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def ident(self) -> int | None:
        """The identifier that `threading.enumerate` tells as well."""
        return self._thread.ident

    @property
    def over(self) -> bool:
        """Whether it has ended because it was told to."""
        return not self._thread.is_alive() and self._stopping()

    def state(self) -> ThreadState:
        alive = self._thread.is_alive()
        failing = not alive or (bool(self._error) and time.monotonic() < self._steady_from)
        return ThreadState(self.name, alive, self._restarts, failing, self._error if failing else "")

    def _run(self) -> None:
        while not self._stopping():
            began = time.monotonic()
            error = self._ended()
            if self._stopping():
                break
            if time.monotonic() - began >= STEADY_SECONDS:
                self._backoff.reset()
            self._rest(error)
        _REGISTRY.discard(self)

    def _ended(self) -> str:
        """Does the work; how it ended."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 # SystemExit and MemoryError would end the thread as well
            return f"{type(error).__name__} at {place_of(error)}"
        return "returned without having been told to stop"

    def _rest(self, error: str) -> None:
        pause = self._backoff.failed().total_seconds()
        self._steady_from = time.monotonic() + pause + STEADY_SECONDS
        self._error, self._restarts = error, self._restarts + 1
        with suppress(Exception):  # a log that cannot be written, such as a full disk, must not end it either
            _LOG.error("thread %s ended (%s); it starts again in %.1f s", self.name, error, pause)
        until = time.monotonic() + pause
        while not self._stopping() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)


class _Registry:
    """The threads that should run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[SupervisedThread] = []

    def add(self, thread: SupervisedThread) -> None:
        with self._lock:
            self._threads = [each for each in self._threads if not each.over]
            self._threads.append(thread)

    def discard(self, thread: SupervisedThread) -> None:
        with self._lock:
            self._threads = [each for each in self._threads if each is not thread]

    def all(self) -> Sequence[SupervisedThread]:
        with self._lock:
            return [each for each in self._threads if not each.over]


_REGISTRY = _Registry()


def supervised_threads() -> Sequence[SupervisedThread]:
    """All that were started and not told to stop, in the order of their start."""
    return _REGISTRY.all()


def threads_subsystem() -> Subsystem:
    """How the threads of this process are, as one part of its health: failing while any of them is."""
    states = [thread.state() for thread in supervised_threads()]
    failing = [state for state in states if state.failing]
    told = [f"{state.name}: {state.error or 'ended'} ({_times(state.restarts)})" for state in failing]
    if len(told) > _NAMED:
        told = [*told[:_NAMED], f"and {len(told) - _NAMED} more"]
    return Subsystem(
        THREADS, "failing" if failing else "ok", error="; ".join(told), detail=f"{len(states)} threads"
    )


def place_of(error: BaseException) -> str:
    """Where it was raised, as `module:line`. The message is left out: it may quote a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"


def _times(restarts: int) -> str:
    return "restarted once" if restarts == 1 else f"restarted {restarts} times"
