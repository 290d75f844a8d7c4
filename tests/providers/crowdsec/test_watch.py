"""The looks at LAPI between passes: each part at its own price, without a write."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argos_gitops.providers.crowdsec.marks import origin_of
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import write_country_database
from tests.providers.crowdsec.edge import BannedEdge, country, decision

_DECISIONS, _COUNTRIES = "decisions", "countries"
_NG = ["192.0.2.0/26", "198.51.100.0/24", "203.0.113.0/25"]


@pytest.fixture
def edge(crowdsec: RealCrowdSec, tmp_path: Path) -> Iterator[BannedEdge]:
    """Two Decisions and a country of three ranges stand, and were looked at."""
    geo = write_country_database(tmp_path / "geo.mmdb", {"NG": _NG})
    with BannedEdge.of(crowdsec, tmp_path / "cache", geo=geo) as edge:
        edge.want(decision("bot", "203.0.113.200"), decision("net", "2001:db8::/32"), country("NG"))
        edge.apply()
        assert edge.plan() == ()
        yield edge


def _moved(edge: BannedEdge) -> list[str]:
    return [watch.name for watch in edge.provider.watches() if edge.provider.moved(watch.name)]


def _row(crowdsec: RealCrowdSec, origin: str, value: str | None = None) -> int:
    rows = crowdsec.decisions(origin)
    return int(next(row["id"] for row in rows if value in (None, row["value"])))


def test_the_watches_and_how_often_they_look(edge: BannedEdge) -> None:
    """Their names are keys of the Agent's drift.intervals."""
    watches = [(watch.name, watch.interval) for watch in edge.provider.watches()]
    assert watches == [(_DECISIONS, timedelta(seconds=60)), (_COUNTRIES, timedelta(minutes=5))]


def test_fm05_a_hundred_idle_looks_see_nothing_and_write_nothing(
    crowdsec: RealCrowdSec, edge: BannedEdge
) -> None:
    before = _stored(crowdsec)
    for _ in range(100):
        assert _moved(edge) == []
    assert _stored(crowdsec) == before


def test_nobody_has_looked_yet(crowdsec: RealCrowdSec, edge: BannedEdge, tmp_path: Path) -> None:
    with BannedEdge.of(crowdsec, tmp_path / "other", geo=edge.geo) as other:
        assert _moved(other) == [_DECISIONS, _COUNTRIES]


def test_a_removed_decision(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """Told until a pass has looked; the countries have not moved."""
    crowdsec.cscli("decisions", "delete", "--id", str(_row(crowdsec, "argos-decision-bot")))
    assert _moved(edge) == [_DECISIONS]
    assert _moved(edge) == [_DECISIONS]
    edge.apply()
    assert edge.plan() == ()
    assert _moved(edge) == []


def test_a_decision_that_was_ended_early(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    with _database(crowdsec) as database:
        database.execute(
            "UPDATE decisions SET until = ? WHERE origin = 'argos-decision-net'",
            (datetime.now(UTC) - timedelta(minutes=1),),
        )
    assert _moved(edge) == [_DECISIONS]


def test_a_range_of_a_country_that_was_removed(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """Exactly, where the Argos panel only sees more than a percent."""
    crowdsec.cscli("decisions", "delete", "--id", str(_row(crowdsec, "argos-country-NG", _NG[0])))
    assert _moved(edge) == [_COUNTRIES]


def test_what_was_flushed(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    """LAPI's flush takes an alert with all that it holds; so does `cscli alerts delete`."""
    crowdsec.cscli("alerts", "delete", "--all")
    assert _moved(edge) == [_DECISIONS, _COUNTRIES]


@pytest.mark.parametrize(
    ("origin", "watch"), [("argos-decision-extra", _DECISIONS), ("argos-country-BR", _COUNTRIES)]
)
def test_what_was_added_under_our_mark(
    crowdsec: RealCrowdSec, edge: BannedEdge, tmp_path: Path, origin: str, watch: str
) -> None:
    """Somebody who uses our marks, as a second agent by the same name would."""
    geo = write_country_database(tmp_path / "br.mmdb", {"BR": ["198.51.100.0/25"]})
    with BannedEdge.of(crowdsec, tmp_path / "other", geo=geo) as other:
        wanted = decision("extra", "192.0.2.77") if watch == _DECISIONS else country("BR")
        live, found = other.want(wanted).look()
        made = [change for change in found.changes if origin_of(change.object_id) == origin]
        list(other.provider.apply(live, made))
    assert origin in {row["origin"] for row in crowdsec.decisions()}
    assert _moved(edge) == [watch]


def test_what_others_ban_is_not_ours(crowdsec: RealCrowdSec, edge: BannedEdge) -> None:
    crowdsec.cscli("decisions", "add", "--ip", "192.0.2.99", "--duration", "1h")
    assert _moved(edge) == []


def _stored(crowdsec: RealCrowdSec) -> list[tuple[object, ...]]:
    with _database(crowdsec) as database:
        return list(database.execute("SELECT id, updated_at, until FROM decisions ORDER BY id"))


def _database(crowdsec: RealCrowdSec) -> sqlite3.Connection:
    return sqlite3.connect(crowdsec.folder / "data" / "crowdsec.db", timeout=30)
