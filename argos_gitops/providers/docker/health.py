"""How the services of a Stack are doing, and waiting until they do well.

A service with a health check is well when its containers are healthy; one without, when they have run for a
little while without being restarted; one that only has to do something, when it has ended with code 0.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from argos_gitops.providers.docker.containers import Container
from argos_gitops.providers.docker.engine.client import Document, EngineClient

HEALTH_CHECK_FAILED = "HealthCheckFailed"
CONTAINER_EXITED = "ContainerExited"
RESTART_LOOP = "RestartLoop"
NOT_IN_TIME = "NotHealthyInTime"
MISSING = "ContainerMissing"

SETTLED_SECONDS = 3.0
"""So long a container without a health check has to run before it counts as running."""

LOOP_RESTARTS = 5
"""So many restarts after a change are a loop; fewer may be a service that waits for another."""


class Verdict(Enum):
    WELL = "well"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one service is doing; `message` says what is wrong or waited for, `container` which one it is."""

    verdict: Verdict
    reason: str = ""
    message: str = ""
    container: Container | None = None


_WELL = Finding(Verdict.WELL)


@dataclass
class Judge:
    """Judges services again and again; remembers since when each container runs without a restart."""

    client: EngineClient
    now: Callable[[], float] = time.monotonic
    _since: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)

    def remember(self, group: Iterable[Container]) -> None:
        """Before a change: what containers did until now is not held against it."""
        for container in group:
            self._before[container.id] = restarts_of(self.client.container(container.id))

    def judge(self, group: Sequence[Container], restart: str, replicas: int) -> Finding:
        if len(group) < replicas:
            return Finding(Verdict.WAITING, MISSING, f"{len(group)} of {replicas} containers are there")
        findings = [self._of(container, restart) for container in group]
        order = (Verdict.FAILED, Verdict.WAITING)
        return next((each for verdict in order for each in findings if each.verdict is verdict), _WELL)

    def _of(self, container: Container, restart: str) -> Finding:
        if container.finished(restart):
            return _WELL
        if container.state in ("exited", "dead"):
            return Finding(Verdict.FAILED, CONTAINER_EXITED, self._ending(container), container)
        if container.health == "unhealthy":
            recovering = container.id in self._before
            return Finding(
                Verdict.WAITING if recovering else Verdict.FAILED,
                HEALTH_CHECK_FAILED,
                f"{container.name} is unhealthy{self._check(container)}",
                container,
            )
        if container.state == "restarting":
            return self._restarting(container)
        if container.state != "running":
            return Finding(Verdict.WAITING, NOT_IN_TIME, f"{container.name} is {container.state}", container)
        if container.health:
            healthy = container.health == "healthy"
            waiting = f"the health check of {container.name} has not passed yet"
            return _WELL if healthy else Finding(Verdict.WAITING, NOT_IN_TIME, waiting, container)
        return self._running(container)

    def _running(self, container: Container) -> Finding:
        """It may be between two restarts: what counts is how long it has been there without another."""
        since = self._since.setdefault(container.id, self.now())
        if not container.young:
            return _WELL
        if self.now() - since < SETTLED_SECONDS:
            return Finding(Verdict.WAITING, NOT_IN_TIME, f"{container.name} has just been started", container)
        seen = self._seen.get(container.id, 0)
        return self._restarting(container) if self._restarted(container) > seen else _WELL

    def _restarting(self, container: Container) -> Finding:
        self._since[container.id] = self.now()
        times = self._seen[container.id] = self._restarted(container)
        verdict = Verdict.FAILED if times >= LOOP_RESTARTS else Verdict.WAITING
        message = f"{container.name} ends and is restarted again and again"
        return Finding(verdict, RESTART_LOOP, message, container)

    def _restarted(self, container: Container) -> int:
        """How often since the change."""
        return restarts_of(self.client.container(container.id)) - self._before.get(container.id, 0)

    def _ending(self, container: Container) -> str:
        return ending_of(container, self.client.container(container.id))

    def _check(self, container: Container) -> str:
        log = (((self.client.container(container.id) or {}).get("State") or {}).get("Health") or {}).get(
            "Log"
        )
        code = log[-1].get("ExitCode") if log else None
        return "" if code is None else f" (its health check ends with code {code})"


def ending_of(container: Container, document: Document | None) -> str:
    """How a container ended: `wiki-web-1 ended with code 137, out of memory`."""
    state: Mapping[str, Any] = (document or {}).get("State") or {}
    code = state.get("ExitCode", container.exit_code)
    told = f"{container.name} ended with code {code}"
    if state.get("OOMKilled"):
        told += ", out of memory"
    return f"{told} ({state['Error']})" if state.get("Error") else told


def restarts_of(document: Document | None) -> int:
    return int((document or {}).get("RestartCount") or 0)


def last_lines(words: str) -> str:
    """What a container logged last, to go on with a sentence: in one line, as it ends up in tables."""
    lines = " | ".join(line.strip() for line in words.splitlines() if line.strip())
    return f"; its last lines: {lines}" if lines else ""
