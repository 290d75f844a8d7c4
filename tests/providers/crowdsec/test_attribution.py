"""What a plan tells about where drift in LAPI came from, as a real LAPI remembers it."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from argos_gitops.providers.crowdsec.marks import Stamp, source
from argos_gitops.providers.crowdsec.rows import Batch, Write, encoded_alert
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import write_country_database
from tests.providers.crowdsec.edge import BannedEdge, country, decision

_MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d"
_NG = [f"198.51.{third}.0/25" for third in range(0, 250, 2)]


@pytest.fixture
def edge(crowdsec: RealCrowdSec, tmp_path: Path) -> Iterator[BannedEdge]:
    """A Decision and a country of 125 ranges stand."""
    geo = write_country_database(tmp_path / "geo.mmdb", {"NG": _NG})
    with BannedEdge.of(crowdsec, tmp_path / "cache", geo=geo) as edge:
        edge.want(decision("bot", "203.0.113.200"), country("NG"))
        edge.apply()
        assert edge.plan() == ()
        yield edge


def _notes(edge: BannedEdge) -> dict[str, str]:
    live, found = edge.look()
    return dict(edge.provider.attribute(live, found.changes))


def test_a_deleted_decision_tells_when(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """LAPI ends it at once and keeps the row: its end lies in the past, its alert is there."""
    crowdsec.cscli("decisions", "delete", "--ip", "203.0.113.200")
    notes = _notes(edge)
    assert re.fullmatch(rf"1 ban ended early, deleted in LAPI at {_MINUTE} UTC", notes["decision/bot"])
    assert _notes(edge) == notes


def test_a_flush_takes_the_alert_along(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    crowdsec.cscli("alerts", "delete", "--all")
    notes = _notes(edge)
    gone = "gone with their alert (LAPI's flush, or `cscli alerts delete`)"
    assert notes["decision/bot"] == f"1 ban {gone}"
    assert notes["country/NG"] == f"0 of 125 ranges stand, more than 1 % off; 125 bans {gone}"


def test_a_ban_that_ran_out_was_not_renewed(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """Nobody deleted it: it ended when it was meant to, while no agent ran."""
    with sqlite3.connect(crowdsec.folder / "data" / "crowdsec.db", timeout=30) as database:
        past = datetime.now(UTC) - timedelta(days=8)
        database.execute("UPDATE alerts SET created_at = ?", (past,))
        database.execute("UPDATE decisions SET until = ?", (past + timedelta(days=7),))
    assert _notes(edge)["decision/bot"] == "1 ban ended without having been renewed in time"


@pytest.mark.parametrize(("count", "told"), [(1, "within 1 %"), (2, "more than 1 % off")])
def test_countries_are_judged_by_the_rule_of_the_panel_too(
    crowdsec: RealCrowdSec, edge: BannedEdge, count: int, told: str
) -> None:
    """Drift is exact; how far the count is off is told beside it."""
    for value in _NG[:count]:
        crowdsec.cscli("decisions", "delete", "--range", value)
    note = _notes(edge)["country/NG"]
    assert note.startswith(f"{125 - count} of 125 ranges stand, {told}; ")
    assert "deleted in LAPI" in note


def test_a_country_that_is_wanted_no_more_is_no_share_of_nothing(edge: BannedEdge) -> None:
    """`125 of 0 ranges` says nothing to anybody."""
    edge.want(decision("bot", "203.0.113.200"))
    assert _notes(edge)["country/NG"].startswith("125 ranges stand, and none is to; ")


def test_what_was_added_tells_the_machine(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """Under our mark, by whoever used our login."""
    stamp = Stamp("ban", "Range", "argos-gitops/main: policy")
    write = Write("main", source("main"), "by-hand", datetime.now(UTC), timedelta(hours=1))
    _post(crowdsec, encoded_alert([Batch("argos-country-NG", stamp, ["192.0.2.0/24"])], write))
    note = _notes(edge)["country/NG"]
    counted, _, came = note.partition("; ")
    assert counted == "126 of 125 ranges stand, within 1 %"
    assert re.fullmatch(rf"1 ban added under our mark by machine argos, last at {_MINUTE} UTC", came)


def _post(crowdsec: RealCrowdSec, alert: bytes) -> None:
    headers = {"User-Agent": "tests/1", "Content-Type": "application/json"}
    login = {"machine_id": crowdsec.machine_id, "password": crowdsec.machine_password, "scenarios": []}
    with httpx.Client(base_url=crowdsec.lapi_url, headers=headers) as client:
        token = client.post("/v1/watchers/login", json=login).raise_for_status().json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        client.post("/v1/alerts", content=alert, headers=bearer).raise_for_status()
