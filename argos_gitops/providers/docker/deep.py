"""The deep look: what only inspecting each container tells, and changes without a new container.

`docker update` changes limits and the restart policy of a container in place; no label and no list shows it.
Inspecting hundreds of containers takes a while, so that it is done every few minutes, and what it brought is
kept, also for the next process of the agent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argos_gitops.model.objects import Content
from argos_gitops.ports.clock import Clock
from argos_gitops.providers.docker.engine.client import EngineClient
from argos_gitops.providers.docker.keeping import keep_json, kept_json
from argos_gitops.providers.docker.policy.inspected import as_reported
from argos_gitops.providers.docker.services import limits_of_container, restart_of_container

INTERVAL = timedelta(minutes=5)

_SUPPORT = {"memory": "MemoryLimit", "cpus": "CpuCfsQuota", "pids": "PidsLimit"}
"""What the engine says it can limit, by our name: on some kernels a limit is silently dropped."""


_REPORTED_LIMITS = {"memory": "memoryBytes", "cpus": "cpus"}


@dataclass(frozen=True, slots=True)
class Depths:
    """By container id: its `limits` and `restart`, and all that policies look at, in the shape of a report
    (`judged`). Limits in `unsupported` are never held by this engine.
    """

    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unsupported: tuple[str, ...] = ()

    def told(self, container: str) -> Mapping[str, Any] | None:
        return self.containers.get(container)

    def judged(self) -> Iterator[Mapping[str, Any]]:
        """For policies: without limits that the engine would drop, whoever asked for them."""
        dropped = {_REPORTED_LIMITS[name] for name in self.unsupported if name in _REPORTED_LIMITS}
        for seen in self.containers.values():
            if "judged" in seen:
                security = seen["judged"]["security"]
                limits = {name: value for name, value in security["limits"].items() if name not in dropped}
                yield {**seen["judged"], "security": {**security, "limits": limits}}

    def deviations(self, container: str, wanted: Content) -> Mapping[str, Any]:
        """What of `limits` and `restart` is another than `wanted`; nothing where nobody has looked."""
        seen = self.containers.get(container)
        if seen is None:
            return {}
        found: dict[str, Any] = {}
        ignored = {name: wanted["limits"][name] for name in self.unsupported if name in wanted["limits"]}
        limits = {**seen["limits"], **ignored}
        if limits != wanted["limits"]:
            found["limits"] = limits
        if seen["restart"] != wanted["restart"]:
            found["restart"] = seen["restart"]
        return found


class DeepLook:
    """Looks again at all containers when the last time is `INTERVAL` ago, and at new ones at once."""

    def __init__(self, client: Callable[[], EngineClient], clock: Clock, kept_in: Path) -> None:
        self._client = client
        self._clock = clock
        self._path = kept_in
        self._depths: Depths | None = None
        self._at: datetime | None = None

    def of(self, containers: Iterable[str], *, again: bool = False) -> Depths:
        """`again`: however fresh the last look is."""
        self._recall()
        known = {} if again or self._is_old() or self._depths is None else dict(self._depths.containers)
        wanted = set(containers)
        missing = wanted - known.keys()
        if self._depths is not None and not missing and known.keys() == wanted:
            return self._depths
        found = {each: seen for each in missing if (seen := self._inspected(each)) is not None}
        whole = not known
        unsupported = self._unsupported() if whole or self._depths is None else self._depths.unsupported
        kept = {each: seen for each, seen in known.items() if each in wanted}
        self._keep(Depths({**kept, **found}, unsupported), whole)
        return self._depths or Depths()

    def _is_old(self) -> bool:
        return self._at is None or not timedelta() <= self._clock.now() - self._at < INTERVAL

    def _inspected(self, container: str) -> Mapping[str, Any] | None:
        document = self._client().container(container)
        if document is None:
            return None
        host = document["HostConfig"]
        return {
            "limits": dict(limits_of_container(host)),
            "restart": restart_of_container(host),
            "judged": as_reported(document),
        }

    def _unsupported(self) -> tuple[str, ...]:
        info = self._client().info()
        return tuple(name for name, said in _SUPPORT.items() if info.get(said) is False)

    def _recall(self) -> None:
        if self._depths is not None:
            return
        kept = kept_json(self._path)
        try:
            self._at = datetime.fromisoformat(kept["at"])
            self._depths = Depths(kept["containers"], tuple(kept["unsupported"]))
        except (KeyError, TypeError, ValueError):
            self._at = self._depths = None

    def _keep(self, depths: Depths, whole: bool) -> None:
        self._depths = depths
        if whole or self._at is None:
            self._at = self._clock.now()
        keep_json(
            self._path,
            {"at": self._at.isoformat(), "containers": depths.containers, "unsupported": depths.unsupported},
        )
