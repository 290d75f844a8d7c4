"""LAPI hears from us each minute, so that `cscli machines prune` deletes no machine that is in use."""

from pathlib import Path

import pytest

from argos_gitops.app.clock import SystemClock
from argos_gitops.model.errors import ProviderError
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.provider import KeepsAlive
from argos_gitops.reconcile.heartbeats import Heartbeats
from argos_gitops.reconcile.pulse import Pulse
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.edge import BannedEdge, edge
from tests.providers.crowdsec.stand_in import Reply, StandInLapi

_EDGES = [ResourceKey("Edge", "main"), ResourceKey("Edge", "other")]


class _Reconciler:
    """Knows one provider for each Edge."""

    def __init__(self, *providers: KeepsAlive) -> None:
        self.providers = dict(zip(_EDGES, providers, strict=False))

    def keepers_alive(self, target: ResourceKey) -> list[tuple[SystemKey, KeepsAlive]]:
        found = self.providers.get(target)
        return [] if found is None else [(SystemKey(target, "crowdsec"), found)]


class _Lines:
    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def warning(self, event: str, **facts: object) -> None:
        self.lines.append(facts)


class _Crew:
    def __init__(self, *providers: KeepsAlive) -> None:
        self.reconciler = _Reconciler(*providers)
        self.pulse = Pulse(SystemClock())
        self.log = _Lines()

    def states(self) -> dict[str, str]:
        return {part.name: part.state for part in self.pulse.parts()}


def test_every_edge_is_heard_of_and_a_failure_is_seen_once(tmp_path: Path) -> None:
    """One LAPI that fails hides no other, stays visible in health, and fills no log."""
    with (
        StandInLapi() as one,
        StandInLapi() as two,
        BannedEdge(edge("main", one.url), tmp_path / "1", "secret") as main,
        BannedEdge(edge("other", two.url), tmp_path / "2", "secret") as other,
    ):
        crew = _Crew(main.provider, other.provider)
        beats = Heartbeats(crew)  # type: ignore[arg-type] # the parts of a Crew that it uses
        beats.beat(_EDGES)
        assert (one.heartbeats, two.heartbeats) == (["argos"], ["argos"])
        two.lies["GET", "/v1/heartbeat"] = lambda asked: Reply(500, {"message": "boom"})
        for _ in range(3):
            beats.beat(_EDGES)
        assert len(one.heartbeats) == 4
        assert len(crew.log.lines) == 1
        assert crew.states() == {
            "heartbeat Edge/main crowdsec": "ok",
            "heartbeat Edge/other crowdsec": "failing",
        }
        del two.lies["GET", "/v1/heartbeat"]
        beats.beat(_EDGES)
        assert set(crew.states().values()) == {"ok"}
        beats.beat(_EDGES[:1])
        assert list(crew.states()) == ["heartbeat Edge/main crowdsec"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_lapi_without_heartbeats_is_no_failure(tmp_path: Path, status: int) -> None:
    with StandInLapi() as lapi, BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned:
        lapi.lies["GET", "/v1/heartbeat"] = lambda asked: Reply(status, body=b"404 page not found")
        banned.provider.keep_alive()


def test_a_machine_that_was_pruned_says_so(tmp_path: Path) -> None:
    with StandInLapi() as lapi, BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned:
        lapi.machines = {}
        with pytest.raises(ProviderError, match="prune"):
            banned.provider.keep_alive()


def test_crowdsec_1_4_6_takes_heartbeats(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    with BannedEdge.of(crowdsec, tmp_path) as banned:
        banned.provider.keep_alive()
    assert "argos" in crowdsec.cscli("machines", "list")
