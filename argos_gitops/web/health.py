"""How we are: for supervisors (`/healthz`, `/readyz`) and for people (`/api/system/health`)."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from argos_gitops.ports.health import ALIVE, THREADS, Replica, Subsystem
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.documents import document
from argos_gitops.web.readers import Readers, StoreReader
from argos_gitops.web.tokens import TokenGate

_KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why we are not ready: stable, and in words."""

    reason: str
    message: str


@dataclass(slots=True)
class Health:
    """`own` is the name of the replica that this front belongs to; empty while it is not known.

    `bouncers` tells how those of the edges are, `full_disk` in words that our state has no room.
    No store can tell of the latter.
    """

    store: StoreReader
    gate: TokenGate
    own: str = ""
    bouncers: Callable[[], Sequence[Subsystem]] = tuple
    full_disk: Callable[[], str] = str
    _asked_at: float = float("-inf")
    _reasons: Sequence[Reason] = ()
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def alive(self, request: Request) -> Response:
        """200 as long as anything answers here at all."""
        return JsonAnswer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """200 once every target had its first pass; 503 with the reasons before that, and in trouble."""
        reasons = await self._current_reasons()
        status = "unready" if reasons else "ready"
        return JsonAnswer({"status": status, "reasons": document(reasons)}, 503 if reasons else 200)

    async def show(self, request: Request) -> Response:
        """Every subsystem of every replica; 503 when one fails, or when a heartbeat stopped."""
        self.gate.check(request)
        overview = _with_bouncers(await self.store.ask(_overview), self.bouncers())
        overview["disk"] = self.full_disk() or "ok"
        if overview["disk"] != "ok":
            overview["status"] = "failing"
        return JsonAnswer(overview, 200 if overview["status"] == "ok" else 503)

    async def _current_reasons(self) -> Sequence[Reason]:
        """Asked for at most once a second, as anybody may ask."""
        async with self._turn:
            if monotonic() - self._asked_at >= _KEPT_SECONDS:
                self._reasons = await self._find_reasons()
                self._asked_at = monotonic()
        return self._reasons

    async def _find_reasons(self) -> Sequence[Reason]:
        full = self.full_disk()
        return [*([Reason("DiskFull", full)] if full else []), *await self._reasons_of_store()]

    async def _reasons_of_store(self) -> Sequence[Reason]:
        try:
            replicas, now = await self.store.ask(lambda store: (store.replicas.all(), store.replicas.now()))
        except RefusalError as refusal:
            return [Reason(refusal.reason, str(refusal))]
        ours = [each for each in replicas if self.own in ("", each.name)]
        if not ours:
            return [Reason("NotStarted", "the agent has not said anything yet")]
        alive = [each for each in ours if not _lost(each, now)]
        if not alive:
            return [Reason("HeartbeatLost", f"the agent was last heard of {_age(ours, now)} s ago")]
        return [reason for replica in alive for reason in _reasons_of(replica)]


def _reasons_of(replica: Replica) -> Iterator[Reason]:
    yield from _first_passes(replica)
    yield from _machine(replica)
    yield from _threads(replica)


def _machine(replica: Replica) -> Iterator[Reason]:
    """What is wrong on this machine keeps git from being read, whatever the remote does.

    Anybody may ask, so paths are left to the log and to `/api/system/health`.
    """
    for each in replica.subsystems:
        if each.name == "source" and each.state == "failing" and each.error.startswith("CacheUnusable:"):
            yield Reason(
                "CacheUnusable", "the cache of git cannot be used; the agent's log has path and cure"
            )


def _first_passes(replica: Replica) -> Iterator[Reason]:
    known = {each.name: each for each in replica.subsystems}
    for name in ("source", *replica.targets):
        if name not in known or not _has_ended_once(known[name]):
            yield Reason("FirstPass", f"the first look at {name} has not ended yet")


def _threads(replica: Replica) -> Iterator[Reason]:
    """A long-lived thread that ended and is not steady again: something of the agent may stand still."""
    for each in replica.subsystems:
        if each.name == THREADS and each.state == "failing":
            yield Reason("ThreadFailing", each.error)


def _has_ended_once(subsystem: Subsystem) -> bool:
    return subsystem.last_success is not None or bool(subsystem.error)


def _lost(replica: Replica, now: datetime) -> bool:
    return now - replica.seen_at >= ALIVE


def _age(replicas: Sequence[Replica], now: datetime) -> int:
    return round(min((now - each.seen_at).total_seconds() for each in replicas))


def _overview(store: Readers) -> dict[str, Any]:
    now, replicas = store.replicas.now(), store.replicas.all()
    well = bool(replicas) and not any(_lost(replica, now) or _failing(replica) for replica in replicas)
    return {
        "status": "ok" if well else "failing",
        "now": now,
        "suspensions": document(store.controls.suspensions()),
        "pin": document(store.controls.pin()),
        "override": document(store.controls.override(now)),
        "replicas": [_replica(replica, now) for replica in replicas],
    }


def _with_bouncers(overview: dict[str, Any], bouncers: Sequence[Subsystem]) -> dict[str, Any]:
    well = overview["status"] == "ok" and all(each.state != "failing" for each in bouncers)
    shown = [_subsystem(each, lost=False) for each in bouncers]
    return {**overview, "status": "ok" if well else "failing", "bouncers": shown}


def _failing(replica: Replica) -> bool:
    return any(each.state == "failing" for each in replica.subsystems)


def _replica(replica: Replica, now: datetime) -> dict[str, Any]:
    lost = _lost(replica, now)
    return {
        "name": replica.name,
        "state": "lost" if lost else "running",
        "seenAt": replica.seen_at,
        "startedAt": replica.started_at,
        "version": replica.version,
        "targets": list(replica.targets),
        "subsystems": [_subsystem(each, lost) for each in replica.subsystems],
    }


def _subsystem(subsystem: Subsystem, lost: bool) -> dict[str, Any]:
    """What a lost replica said last is history, and says so."""
    return {
        "name": subsystem.name,
        "state": "lost" if lost else subsystem.state,
        "suspended": subsystem.state == "suspended",
        "lastRun": subsystem.last_run,
        "lastSuccess": subsystem.last_success,
        "lastError": subsystem.error,
        "nextRun": None if lost else subsystem.next_run,
        "detail": subsystem.detail,
    }
