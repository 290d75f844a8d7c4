"""The source of a running agent: a thread that looks for new revisions, and says which one is in force."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.plan import Failure
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.crew import Crew
from argos_gitops.reconcile.look import Desired
from argos_gitops.supervision.backoff import Backoff
from argos_gitops.supervision.priority import give_way
from argos_gitops.supervision.supervised import SupervisedThread

NAME = "source"
GAP = 0.5
"""Seconds between the beginnings of two looks: a storm of reasons to look must not become one of fetches."""


class Keeper:
    """Looks when it is asked to, and by itself every interval. `publish` is told of what is in force.

    `looked` is called once somebody's wish to look everywhere was followed, with the number of the request
    to answer, and after the revision that was found then has been published.

    A failure leaves the revision in force as it is. After a restart that is the one that was applied
    last, until a newer one can be had.
    """

    def __init__(self, crew: Crew, publish: Callable[[Desired], None], looked: Callable[[int], None]) -> None:
        self._crew = crew
        self._publish = publish
        self._looked = looked
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._noticed: float | None = None
        self._asked: int | None = None
        self._backoff = Backoff()
        self._in_force: Desired | None = None
        self._over = threading.Event()
        self._thread = SupervisedThread(NAME, self._run, self._over.is_set)

    @property
    def in_force(self) -> Desired | None:
        return self._in_force

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """Look again; whoever asks while a look is under way gets another one after it."""
        with self._lock:
            self._noticed = self._noticed or time.monotonic()
        self._wake.set()

    def look_everywhere(self, request: int = 0) -> None:
        """The same, and let every target be looked at then."""
        with self._lock:
            self._asked = max(self._asked or 0, request)
            self._noticed = self._noticed or time.monotonic()
        self._wake.set()

    def stop(self) -> None:
        self._over.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        give_way()
        while not self._over.is_set():
            self._wake.clear()
            began = time.monotonic()
            pause = contained(self._look)
            if isinstance(pause, Failure):
                pause = self._failed(f"{pause.reason}: {pause.message}")
            self._wake.wait(pause.total_seconds())
            self._over.wait(max(0.0, began + GAP - time.monotonic()))

    def _look(self) -> timedelta:
        """Reads the source once; how long until the next look."""
        with self._lock:
            asked, noticed = self._asked, self._noticed
            self._asked = self._noticed = None
        try:
            return self._looked_for(asked, noticed)
        except BaseException:
            with self._lock:  # whoever asked is answered by the next look
                self._asked = max(self._asked or 0, asked) if asked is not None else self._asked
                self._noticed = noticed if noticed is not None else self._noticed
            raise

    def _looked_for(self, asked: int | None, noticed: float | None) -> timedelta:
        self._crew.pulse.begins(NAME)
        pin = self._crew.controls.pin()
        try:
            desired = self._crew.reconciler.read(pin.revision if pin is not None else None)
        except ArgosError as error:
            self._fall_back()
            self._answer(asked)
            return self._failed(f"{error.reason}: {_first_line(error)}")
        self._crew.reconciler.accept(desired)
        self._put_in_force(replace(desired, noticed=noticed or time.monotonic()))
        self._backoff.reset()
        self._answer(asked)
        pause = self._interval()
        self._crew.pulse.went_well(NAME, pause, f"{desired.revision.short} {desired.revision.subject}"[:80])
        return pause

    def _fall_back(self) -> None:
        """The revision that was applied last stays in force over a restart, if the mirror still has it."""
        applied = self._crew.status.revisions().applied
        if self._in_force is not None or applied is None:
            return
        try:
            self._put_in_force(self._crew.reconciler.reread(applied))
        except ArgosError as error:
            self._crew.log.warning("last_revision_lost", revision=applied[:7], message=_first_line(error))

    def _put_in_force(self, desired: Desired) -> None:
        known = self._in_force
        if known is None or known.revision.sha != desired.revision.sha:
            self._crew.log.info("in_force", revision=desired.revision.short, subject=desired.revision.subject)
        self._in_force = desired
        self._crew.in_force(desired)
        self._publish(desired)

    def _answer(self, asked: int | None) -> None:
        if asked:
            self._crew.status.set_source(replace(self._crew.status.source(), synced=asked))
        if asked is not None:
            self._looked(asked)

    def _failed(self, error: str) -> timedelta:
        pause = min(self._backoff.failed(), self._interval())
        self._crew.pulse.failed(NAME, error, pause)
        self._crew.log.warning("source_failed", message=error)
        return pause

    def _interval(self) -> timedelta:
        spec = self._in_force.agent if self._in_force is not None else AgentSpec()
        return spec.interval * random.uniform(1 - spec.jitter, 1 + spec.jitter)  # noqa: S311 - spreads agents


def _first_line(error: ArgosError) -> str:
    return str(error).partition("\n")[0]
