"""Health as supervisors and people ask for it, over a real store."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from argos_gitops.model.errors import StoreError
from argos_gitops.ports.control import AGENT, Override, Pin, Suspension
from argos_gitops.ports.health import Replica, Subsystem
from argos_gitops.web import health
from tests.web.running import AS_OPERATOR, RunningSite

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def replica(name: str = "one", **subsystems: Subsystem) -> Replica:
    """One whose source and target are well, but for what is given."""
    known = {
        "source": Subsystem("source", "ok", NOW, NOW, next_run=NOW + timedelta(minutes=1)),
        "target": Subsystem("Edge/main", "ok", NOW, NOW),
    } | subsystems
    return Replica(name, NOW, ("Edge/main",), tuple(known.values()), NOW, "1.0")


def _ready(site: RunningSite) -> tuple[int, list[str]]:
    site.site.health._asked_at = float("-inf")  # noqa: SLF001 # as if a second had passed
    answer = site.client.get("/readyz")
    return answer.status_code, [reason["reason"] for reason in answer.json()["reasons"]]


def _health(site: RunningSite) -> tuple[int, Any]:
    answer = site.client.get("/api/system/health", headers=AS_OPERATOR)
    return answer.status_code, answer.json()


class _AwayStore:
    """Readers whose store is away."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def close(self) -> None:
        return None

    def __getattr__(self, name: str) -> object:
        raise StoreError("the store sqlite:////home/alice/argos.db failed", reason=self._reason)


def test_whoever_answers_is_alive(site: RunningSite) -> None:
    """Also before the agent has said anything."""
    assert site.client.get("/healthz").json() == {"status": "ok"}
    assert site.client.head("/healthz").status_code == 200


def test_ready_once_source_and_targets_were_looked_at(site: RunningSite) -> None:
    assert _ready(site) == (503, ["NotStarted"])
    running = Subsystem("Edge/main", "running", NOW)
    site.store.replicas.beat(replica(target=running))
    assert _ready(site) == (503, ["FirstPass"])
    failed = Subsystem("Edge/main", "failing", NOW, error="Unreachable")
    site.store.replicas.beat(replica(target=failed))
    assert _ready(site) == (200, []), "an agent that does its work is ready, also while a target is away"


def test_a_cache_that_cannot_be_used_makes_the_agent_unready(site: RunningSite) -> None:
    """Told without its path; a remote that does not answer is no fault of this machine."""
    away = Subsystem("source", "failing", NOW, NOW, error="SourceError: https://git.example.com: timed out")
    site.store.replicas.beat(replica(source=away))
    assert _ready(site) == (200, [])
    error = "CacheUnusable: /var/cache/argos-gitops/mirrors is a file"
    site.store.replicas.beat(replica(source=Subsystem("source", "failing", NOW, NOW, error=error)))
    assert _ready(site) == (503, ["CacheUnusable"])
    assert "/var/cache" not in site.client.get("/readyz").text


def test_readiness_is_that_of_our_own_agent(site: RunningSite) -> None:
    """Another replica that is well says nothing about this one."""
    site.store.replicas.beat(replica("other"))
    assert _ready(site) == (200, [])
    site.site.health.own = "ours"
    assert _ready(site) == (503, ["NotStarted"])


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("StoreError", "StoreUnreachable"),
        ("StoreGone", "StoreGone"),
        ("StoreDamaged", "StoreDamaged"),
        ("StoreReadOnly", "StoreReadOnly"),
        ("StoreFull", "StoreFull"),
    ],
)
def test_readiness_without_a_store(make_site: Callable[..., RunningSite], reason: str, told: str) -> None:
    """Told, without telling where the store is."""
    site = make_site(readers=_AwayStore(reason))
    assert _ready(site) == (503, [told])
    assert "alice" not in site.client.get("/readyz").text
    answer = site.client.get("/api/system/health", headers=AS_OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (503, told)


def test_health_tells_each_subsystem(site: RunningSite) -> None:
    site.store.replicas.beat(replica())
    status, document = _health(site)
    assert (status, document["status"]) == (200, "ok")
    (one,) = document["replicas"]
    assert (one["name"], one["state"], one["version"]) == ("one", "running", "1.0")
    source = next(each for each in one["subsystems"] if each["name"] == "source")
    assert source == {
        "name": "source",
        "state": "ok",
        "suspended": False,
        "lastRun": "2026-05-01T12:00:00Z",
        "lastSuccess": "2026-05-01T12:00:00Z",
        "lastError": "",
        "nextRun": "2026-05-01T12:01:00Z",
        "detail": "",
    }


def test_a_failing_subsystem_makes_it_unhealthy(site: RunningSite) -> None:
    failing = Subsystem("source", "failing", NOW, error="SourceError: no route to host")
    site.store.replicas.beat(replica(source=failing))
    status, document = _health(site)
    assert (status, document["status"]) == (503, "failing")
    assert "no route to host" in str(document)


def test_fm22_a_heartbeat_that_stopped_is_unhealthy(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that the lost agent said last is shown as if it were so."""
    site.store.replicas.beat(replica())
    monkeypatch.setattr(health, "ALIVE", timedelta(seconds=-60))
    assert _ready(site) == (503, ["HeartbeatLost"])
    status, document = _health(site)
    assert (status, document["status"]) == (503, "failing")
    (one,) = document["replicas"]
    assert one["state"] == "lost"
    assert {each["state"] for each in one["subsystems"]} == {"lost"}
    assert {each["nextRun"] for each in one["subsystems"]} == {None}


def test_fm22_a_suspension_shows_as_it_takes_effect(site: RunningSite) -> None:
    """Both what people asked for and what each part makes of it."""
    site.store.controls.suspend(Suspension(AGENT, "alice", NOW, "holidays"))
    site.store.controls.set_pin(Pin("a" * 40, "alice", NOW))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    site.store.controls.set_override(Override(tomorrow, "alice", NOW, "fire"))
    suspended = Subsystem("Edge/main", "suspended", NOW, NOW, detail="holidays")
    site.store.replicas.beat(replica(target=suspended))
    status, document = _health(site)
    assert status == 200, "what people meant is no failure"
    assert [each["subject"] for each in document["suspensions"]] == [AGENT]
    assert document["pin"]["revision"] == "a" * 40
    assert document["override"]["reason"] == "fire"
    states = {each["name"]: each["suspended"] for each in document["replicas"][0]["subsystems"]}
    assert states == {"source": False, "Edge/main": True}


def test_health_needs_the_token(site: RunningSite) -> None:
    """Errors of targets name hosts and addresses."""
    assert site.client.get("/api/system/health").status_code == 401
