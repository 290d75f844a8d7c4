"""Bans outlive LAPI's flush and their own duration, without a gap."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.change import Cause
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import write_country_database
from tests.providers.crowdsec.edge import Aging, BannedEdge, ShiftedClock, country, decision


def test_renewal_adds_before_anything_ends_and_removes_nothing(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    """A day before the week is over; the old rows stay until they end by themselves."""
    clock = ShiftedClock()
    wanted = (
        country("NG"),
        decision("x", "203.0.113.7"),
        decision("y", "203.0.113.8", until="2099-01-01T00:00:00Z"),
    )
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database, clock=clock, transport=Aging(clock)).want(
        *wanted
    ) as edge:
        edge.apply()
        before = {each["id"]: each["value"] for each in crowdsec.decisions()}
        clock.by = timedelta(days=5, hours=23)
        assert edge.plan() == ()
        clock.by = timedelta(days=6, minutes=1)
        changes = edge.plan()
        assert {change.cause for change in changes} == {Cause.EXPIRY}
        assert edge.provider.hazards(changes, ()) == []
        edge.apply()
        clock.by = timedelta()  # to LAPI the new alert is of today
        assert edge.plan() == ()
    after = {each["id"]: each["value"] for each in crowdsec.decisions()}
    assert before.items() <= after.items()
    assert sorted(after[number] for number in after.keys() - before.keys()) == sorted(before.values())


def test_what_is_nearly_due_is_renewed_together(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """One write for both, or each small addition would be renewed by itself for ever."""
    clock = ShiftedClock()
    path = tmp_path / "geo.mmdb"
    write_country_database(path, {"NG": ["198.51.100.0/24"]})
    with BannedEdge.of(crowdsec, tmp_path / "cache", geo=path, clock=clock, transport=Aging(clock)).want(
        country("NG")
    ) as edge:
        edge.apply()
        write_country_database(
            path.with_suffix(".new"), {"NG": ["198.51.100.0/24", "203.0.113.0/24"]}
        ).replace(path)
        time.sleep(1.1)
        edge.apply()
        clock.by = timedelta(days=6, minutes=1)
        edge.apply()
    assert len(crowdsec.decisions()) == 4


def test_a_ban_never_lapses_between_passes(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """In real time: bans of 16 s, renewed 4 s before, are there at each moment of 20 s."""
    settings = {"decisionDuration": "16s"}
    seen = set()
    with BannedEdge.of(crowdsec, tmp_path, settings=settings).want(decision("x", "203.0.113.7")) as edge:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            edge.apply()
            standing = {each["id"] for each in crowdsec.decisions("argos-decision-x")}
            assert standing
            seen |= standing
            time.sleep(0.3)
    assert len(seen) == 2


def test_the_flush_cap_does_not_eat_bans(make_crowdsec: Callable[..., RealCrowdSec], tmp_path: Path) -> None:
    """`max_items: 20` and 200 decisions: they share one alert, and all of them stand after the flush.

    Alerts of others can still push one of ours out; then that is drift, and the next pass repairs it.
    """
    crowdsec = make_crowdsec(flush={"max_items": 20})
    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(200)]
    pushed_out = decision("early", "192.0.2.9", edge="early")
    with (
        BannedEdge.of(crowdsec, tmp_path, "early").want(pushed_out) as early,
        BannedEdge.of(crowdsec, tmp_path).want(*wanted) as edge,
    ):
        early.apply()
        for number in range(30):
            crowdsec.cscli("decisions", "add", "--ip", f"198.51.100.{number}", "--duration", "4h")
        edge.apply()
        end = time.monotonic() + 100
        while crowdsec.decisions("argos-decision-early") and time.monotonic() < end:
            time.sleep(1)
        assert crowdsec.decisions("argos-decision-early") == []
        assert edge.plan() == ()
        assert [change.object_id for change in early.plan()] == ["decision/early"]
        early.apply()
        assert early.plan() == ()
