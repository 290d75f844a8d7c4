"""Telling slow places about passes without making a pass wait for them."""

import threading
import time
from collections import deque
from datetime import timedelta

from argos_gitops.model.plan import Failure
from argos_gitops.ports.report import PassResult, Reporter
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.parts import Log
from argos_gitops.reconcile.pulse import Pulse
from argos_gitops.supervision.backoff import Backoff
from argos_gitops.supervision.supervised import SupervisedThread

_MOST = 200
"""Results that wait at most; beyond that the oldest goes, as newer ones tell how things stand."""


class Deferred:
    """A Reporter that hands on to another one in a thread of its own, in order, until it succeeds."""

    def __init__(
        self, name: str, reporter: Reporter, pulse: Pulse, log: Log, backoff: Backoff | None = None
    ) -> None:
        self._name = name
        self._reporter = reporter
        self._pulse = pulse
        self._log = log
        self._waiting: deque[PassResult] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._backoff = backoff or Backoff()
        self._thread = SupervisedThread(f"report {name}", self._run, lambda: self._stopping)

    def start(self) -> None:
        self._thread.start()

    def report(self, result: PassResult) -> None:
        with self._changed:
            self._waiting = deque(each for each in self._waiting if not _superseded(each, result))
            while len(self._waiting) >= _MOST:
                self._waiting.popleft()
            self._waiting.append(result)
            self._changed.notify_all()

    def depth(self) -> int:
        return len(self._waiting)

    def stop(self, deadline: float) -> None:
        """Tries to tell what waits until `deadline` (monotonic seconds), then gives up."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
                result = self._waiting.popleft()
            pause = self._tell(result)
            if pause is None:
                continue
            with self._changed:
                self._waiting.appendleft(result)
                if self._changed.wait_for(lambda: self._stopping, pause.total_seconds()):
                    return

    def _tell(self, result: PassResult) -> timedelta | None:
        """None when it was told, else how long to wait before the next try."""
        self._pulse.begins(self._name)
        failure = contained(lambda: self._reporter.report(result))
        if isinstance(failure, Failure):
            pause = self._backoff.failed()
            self._pulse.failed(self._name, failure.message, pause)
            self._log.warning("report_failed", to=self._name, reason=failure.reason, message=failure.message)
            return pause
        self._backoff.reset()
        self._pulse.went_well(self._name)
        return None


def _superseded(older: PassResult, newer: PassResult) -> bool:
    """What only told how a target stands need not be told once it stands otherwise."""
    return (
        older.target == newer.target and not older.outcomes and older.plan is not None and not older.blocked
    )
