"""How the parts of a running agent are: each tells its own state, and one place passes it on."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

from argos_gitops.ports.clock import Clock
from argos_gitops.ports.health import Subsystem

OK, FAILING, WAITING, RUNNING = "ok", "failing", "waiting", "running"


class Pulse:
    """The subsystems by name; may be told from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: dict[str, Subsystem] = {}
        self._moved = True

    def begins(self, name: str, detail: str = "") -> None:
        self._change(name, state=RUNNING, last_run=self._clock.now(), detail=detail)

    def went_well(self, name: str, next_in: timedelta | None = None, detail: str = "") -> None:
        now = self._clock.now()
        self._change(name, state=OK, last_success=now, error="", next_run=_later(now, next_in), detail=detail)

    def failed(self, name: str, error: str, next_in: timedelta | None = None) -> None:
        now = self._clock.now()
        self._change(name, state=FAILING, error=error, next_run=_later(now, next_in), detail="")

    def waits(self, name: str, why: str, next_in: timedelta | None = None) -> None:
        """Nothing is wrong, and nothing happens before `next_in`."""
        self._change(name, state=WAITING, next_run=_later(self._clock.now(), next_in), detail=why)

    def tell(self, subsystem: Subsystem) -> None:
        """What a part that keeps its own record says of itself."""
        with self._lock:
            self._moved = self._moved or self._parts.get(subsystem.name) != subsystem
            self._parts[subsystem.name] = subsystem

    def forget(self, name: str) -> None:
        with self._lock:
            self._moved = self._parts.pop(name, None) is not None or self._moved

    def parts(self) -> tuple[Subsystem, ...]:
        with self._lock:
            self._moved = False
            return tuple(self._parts[name] for name in sorted(self._parts))

    @property
    def moved(self) -> bool:
        """Whether anything changed since `parts` was asked for."""
        return self._moved

    def _change(self, name: str, **values: object) -> None:
        with self._lock:
            known = self._parts.get(name) or Subsystem(name, WAITING)
            self._parts[name] = replace(known, **values)  # type: ignore[arg-type] # the fields of Subsystem
            self._moved = True


def _later(now: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else now + span
