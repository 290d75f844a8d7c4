"""When a worker has to do what: the next pass, and the watches of its systems; in monotonic seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from argos_gitops.model.plan import SystemKey
from argos_gitops.ports.provider import Watch

Key = tuple[SystemKey, str]


@dataclass
class Agenda:
    """Grows old only by being asked with a later `now`."""

    next_pass: float = 0.0
    in_backoff: bool = False
    _intervals: dict[Key, float] = field(default_factory=dict)
    _due: dict[Key, float] = field(default_factory=dict)

    def watch(
        self,
        watches: Iterable[tuple[SystemKey, Watch]],
        overrides: Mapping[str, timedelta],
        now: float,
    ) -> None:
        """Takes over what there is to watch; whatever was just looked at is due a whole interval later."""
        self._intervals = {
            (system, watch.name): overrides.get(watch.name, watch.interval).total_seconds()
            for system, watch in watches
        }
        self._due = {key: now + interval for key, interval in self._intervals.items()}

    def pass_in(self, span: timedelta, now: float, *, backoff: bool = False) -> None:
        self.next_pass = now + span.total_seconds()
        self.in_backoff = backoff

    def due(self, now: float) -> list[Key]:
        """The watches whose time has come; each is then due again an interval later."""
        if self.in_backoff:
            return []
        found = [key for key, at in self._due.items() if at <= now]
        for key in found:
            self._due[key] = now + self._intervals[key]
        return found

    def wait(self, now: float) -> float:
        """Seconds until anything is to be done."""
        times = [self.next_pass] if self.in_backoff else [self.next_pass, *self._due.values()]
        return max(0.0, min(times) - now)
