"""How the Docker hosts are that report to us: for health, and for metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.reports import HostReports, ReportedHost

NAME = "docker-agents"

_EVERY = timedelta(seconds=15)
_NAMED = 5


@dataclass(slots=True)
class DockerAgents:
    """Looks once in a while, however often it is asked. `stale_after` is asked each time.

    A host that is silent is no fault of ours, so the state is ok: who is silent stands in the detail.
    """

    reports: HostReports
    stale_after: Callable[[], timedelta]
    _looked_at: datetime | None = None
    _total: int = 0
    _stale: tuple[str, ...] = ()

    def look(self, now: datetime) -> None:
        """Reads how the hosts are, unless that was done just now; StoreError when it cannot be read."""
        if self._looked_at is not None and abs(now - self._looked_at) < _EVERY:
            return
        hosts = self.reports.hosts()
        self._total, self._stale = len(hosts), tuple(_stale(hosts, now, self.stale_after()))
        self._looked_at = now

    @property
    def counts(self) -> dict[str, int]:
        """Hosts by how they are."""
        return {"reporting": self._total - len(self._stale), "stale": len(self._stale)}

    def subsystem(self) -> Subsystem | None:
        """None while no host ever reported."""
        if not self._total:
            return None
        named = ", ".join(self._stale[:_NAMED]) + (", …" if len(self._stale) > _NAMED else "")
        detail = f"{self._total} hosts, {len(self._stale)} stale" + (f": {named}" if named else "")
        return Subsystem(NAME, "ok", self._looked_at, self._looked_at, detail=detail)


def _stale(hosts: Sequence[ReportedHost], now: datetime, after: timedelta) -> list[str]:
    return [host.host_id for host in hosts if host.is_stale(now, after)]
