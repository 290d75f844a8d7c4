"""A process of the agent that is kept alive: started again, after a pause, whenever it ends or hangs."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from argos_gitops.app.child import Child
from argos_gitops.app.log import Log
from argos_gitops.ports.health import Subsystem
from argos_gitops.supervision.backoff import Backoff
from argos_gitops.supervision.supervised import SupervisedThread

_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=30)
_STABLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """What is run under `name`.

    `descriptors` are inherited, in this order, after the channel. `first` is what it is told at its start;
    `heard` takes in each message that it sends, in a thread of ours. It hangs when it says nothing for
    `silence` seconds.
    """

    name: str
    module: str
    descriptors: Sequence[int]
    first: Callable[[], Mapping[str, Any]]
    heard: Callable[[Mapping[str, Any]], None]
    silence: float


@dataclass(frozen=True, slots=True)
class ProcessState:
    """`restarts` is how often it was started after the first time."""

    name: str
    alive: bool
    restarts: int


class ChildSupervisor:
    """Runs a Program until it is stopped."""

    def __init__(self, program: Program, environment: Mapping[str, str], log: Log) -> None:
        self.name = program.name
        self.starts = 0
        self._program = program
        self._environment = environment
        self._log = log
        self._outcome = ""
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = SupervisedThread(program.name, self._supervise, self._over.is_set)

    @property
    def pid(self) -> int | None:
        """Of the process that lives now, if one does."""
        child = self._child
        return child.pid if child is not None and child.running else None

    def state(self) -> ProcessState:
        return ProcessState(self.name, self.pid is not None, max(0, self.starts - 1))

    def subsystem(self) -> Subsystem:
        """How it is, for health."""
        if self.pid is not None:
            return Subsystem(f"process/{self.name}", "ok", detail=f"started {self.starts} times")
        return Subsystem(f"process/{self.name}", "failing", error=self._outcome or "not started yet")

    def start(self) -> None:
        self._thread.start()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Tells the process that lives now; a later one is told by `first`."""
        with self._lock:
            if self._child is not None:
                self._child.tell(message)

    def terminate(self) -> None:
        """Asks it to end, and starts none any more."""
        with self._lock:
            self._over.set()
            if self._child is not None:
                self._child.terminate()

    def join(self, timeout: float) -> None:
        """Waits until it has ended, and ends it after `timeout` seconds."""
        self._thread.join(timeout)
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join()

    def _supervise(self) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._over.is_set():
            born = time.monotonic()
            self._outcome = self._live_once()
            if time.monotonic() - born >= _STABLE_SECONDS:
                backoff.reset()
            pause = backoff.failed().total_seconds()
            if not self._over.is_set():
                facts = {"process": self.name, "outcome": self._outcome}
                self._log.warning("process_ended", again_in_seconds=round(pause, 1), **facts)
            self._over.wait(pause)

    def _live_once(self) -> str:
        """The whole life of one process; how it ended."""
        try:
            child = self._begin()
        except OSError as error:
            return f"not started: {error.strerror}"
        if child is None:
            return "not started"
        try:
            for message in child.messages():
                self._program.heard(message)
        except BaseException:
            child.kill()  # whatever went wrong here: no process may be left without anybody who listens
            raise
        finally:
            code = child.bury()
            with self._lock:
                self._child = None
        return f"exit code {code}"

    def _begin(self) -> Child | None:
        """A process that knows all it has to; None when everything is over by now."""
        with self._lock:
            if self._over.is_set():
                return None
            program = self._program
            child = Child(
                program.module, program.descriptors, self._environment, program.first(), program.silence
            )
            self._child = child
            self.starts += 1
            return child
