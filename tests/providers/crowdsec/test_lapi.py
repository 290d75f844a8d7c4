"""Against a real LAPI: plan and apply until nothing is left to do, and what others own stays theirs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import StalePlanError, TerminalError, TransientError
from argos_gitops.model.resource import AnyResource
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import country_networks, write_country_database
from tests.providers.crowdsec.edge import BannedEdge, allowlist, country, decision
from tests.providers.crowdsec.edge import edge as target_at

_ORIGIN = "argos-country-NG"


def _values(crowdsec: RealCrowdSec, *origins: str) -> Sequence[str]:
    return sorted(each["value"] for each in crowdsec.decisions(*origins))


def _all_done(outcomes: Sequence[Outcome]) -> bool:
    return bool(outcomes) and {outcome.result for outcome in outcomes} == {Result.DONE}


def _actions(changes: Sequence[Change]) -> Sequence[tuple[str, Action, Cause]]:
    return [(change.object_id, change.action, change.cause) for change in changes]


def _everything() -> Sequence[AnyResource]:
    return (
        decision("bot", "203.0.113.7", type="captcha"),
        decision("net", "2001:db8:ffff::/48", until="2099-01-01T00:00:00Z"),
        decision("slow", "198.51.100.250", type="throttle"),
        country("NG"),
        country("BR"),
        allowlist("us", "198.51.100.64/26", "2001:db8::/44"),
    )


def test_fm05_a_second_plan_is_empty(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    """Every kind, type and scope; and each resource is told to stand."""
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(*_everything()) as edge:
        changes = edge.plan()
        assert {change.action for change in changes} == {Action.CREATE}
        assert _all_done(edge.apply())
        for _ in range(3):
            assert edge.plan() == ()
        conditions = list(edge.provider.verify(edge.wanted, changes))
    assert {condition.status for condition in conditions} == {Truth.TRUE}
    assert len(conditions) == 5
    with BannedEdge.of(crowdsec, tmp_path / "another", geo=geo_database).want(*_everything()) as other:
        assert other.plan() == ()


def test_lapi_holds_just_what_was_wanted(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    """As a bouncer sees it: type, scope, value and a duration of about a week."""
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(*_everything()) as edge:
        edge.apply()
    [bot] = crowdsec.decisions("argos-decision-bot")
    assert (bot["type"], bot["scope"], bot["value"]) == ("captcha", "Ip", "203.0.113.7")
    assert bot["scenario"] == "argos-gitops/main: scanner"
    assert bot["duration"].startswith("167h59m")
    brazil = _values(crowdsec, "argos-country-BR")
    assert len(brazil) == len(set(brazil))
    assert "203.0.113.0/25" in brazil
    nigeria = _values(crowdsec, _ORIGIN)
    assert {"198.51.100.0/26", "198.51.100.128/25"} <= set(nigeria)
    assert not {"198.51.100.0/24", "198.51.100.64/26"} & set(nigeria)


def test_one_alert_holds_many_decisions(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """All changes of a pass share alerts of `chunkSize`, or LAPI's flush would count each of them."""
    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(25)]
    with BannedEdge.of(crowdsec, tmp_path, settings={"chunkSize": 10}).want(*wanted) as edge:
        assert _all_done(edge.apply())
        assert edge.plan() == ()
    alerts = crowdsec.cscli("alerts", "list", "--all", "--limit", "0", "-o", "raw").strip().splitlines()[1:]
    assert len(alerts) == 3
    assert all("argos-gitops/main" in line for line in alerts)


def test_only_the_difference_is_written(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """When the database changes, what stays keeps its row; what goes is ended, what comes is added."""
    path = write_country_database(tmp_path / "geo.mmdb", {"NG": ["192.0.2.0/26", "198.51.100.0/24"]})
    with BannedEdge.of(crowdsec, tmp_path / "cache", geo=path).want(country("NG")) as edge:
        edge.apply()
        before = {each["value"]: each["id"] for each in crowdsec.decisions(_ORIGIN)}
        write_country_database(
            path.with_suffix(".new"), {"NG": ["203.0.113.0/24", "198.51.100.0/24"]}
        ).replace(path)
        [change] = edge.plan()
        assert change.action is Action.UPDATE
        assert _all_done(edge.apply())
        assert edge.plan() == ()
    after = {each["value"]: each["id"] for each in crowdsec.decisions(_ORIGIN)}
    assert set(after) == {"203.0.113.0/24", "198.51.100.0/24"}
    assert after["198.51.100.0/24"] == before["198.51.100.0/24"]


@pytest.mark.parametrize(
    "change", [{"type": "captcha"}, {"reason": "other"}, {"until": "2099-01-01T00:00:00Z"}]
)
def test_a_changed_decision_replaces_its_row(
    crowdsec: RealCrowdSec, tmp_path: Path, change: dict[str, str]
) -> None:
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as edge:
        edge.apply()
        [old] = crowdsec.decisions()
        edge.want(decision("x", "203.0.113.7", **change))
        assert _all_done(edge.apply())
        assert edge.plan() == ()
    [new] = crowdsec.decisions()
    assert new["id"] != old["id"]
    assert new["type"] == change.get("type", "ban")


def test_what_leaves_git_leaves_lapi(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    """Whole countries by one call, and nothing else with them."""
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(*_everything()) as edge:
        edge.apply()
        edge.want(decision("bot", "203.0.113.7", type="captcha"), country("BR"))
        assert {change.action for change in edge.plan()} >= {Action.DELETE}
        assert _all_done(edge.apply())
        assert edge.plan() == ()
    assert {each["origin"] for each in crowdsec.decisions()} == {"argos-decision-bot", "argos-country-BR"}


def test_what_others_made_survives(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    """By hand, by the Argos panel under the very same origin, and by another Edge on the same LAPI."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "4h")
    _post_as_the_panel_does(crowdsec, "198.51.100.0/24")
    resources = (decision("bot", "203.0.113.7"), country("NG"), country("NG", edge="other"))
    with (
        BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(*resources) as ours,
        BannedEdge.of(crowdsec, tmp_path, "other", geo=geo_database).want(*resources) as other,
    ):
        assert _all_done(other.apply())
        there = len(crowdsec.decisions())
        assert _all_done(ours.apply())
        assert other.plan() == ours.plan() == ()
        assert _all_done(ours.want().apply())
        assert other.plan() == ours.plan() == ()
    assert len(crowdsec.decisions()) == there
    assert {"cscli", _ORIGIN} == {each["origin"] for each in crowdsec.decisions()}
    assert "panel" in {each["scenario"] for each in crowdsec.decisions(_ORIGIN)}


def test_what_somebody_ended_is_drift_and_comes_back(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(
        country("NG"), decision("x", "192.0.2.9")
    ) as edge:
        edge.apply()
        before = _values(crowdsec)
        crowdsec.cscli("decisions", "delete", "--value", "198.51.100.0/24", "--contained")
        crowdsec.cscli("decisions", "delete", "--ip", "192.0.2.9")
        assert [change.object_id for change in edge.plan()] == ["country/NG", "decision/x"]
        assert _all_done(edge.apply())
        assert edge.plan() == ()
    assert _values(crowdsec) == before


def test_all_rows_are_read_however_many(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """More alerts than LAPI's default limit of 100 and its pages of 100, and two of one decision at once."""
    wanted = [decision(f"d{number}", f"203.0.113.{number}") for number in range(250)]
    with BannedEdge.of(crowdsec, tmp_path, settings={"chunkSize": 1}).want(*wanted) as edge:
        assert _all_done(edge.apply())
        live, found = edge.look()
        assert found.changes == ()
        assert len(live.objects) == 250


def test_a_ban_with_an_end_ends_then(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """To the second, although bans last a week by default; it is not wanted afterwards."""
    end = datetime.now(UTC) + timedelta(hours=2)
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7", until=end)) as edge:
        edge.apply()
        [row] = crowdsec.decisions()
        assert row["duration"].startswith("1h59m")
        assert edge.plan() == ()
        edge.want(decision("x", "203.0.113.7", until=datetime.now(UTC) + timedelta(days=400)))
        edge.apply()
        [row] = crowdsec.decisions()
        assert row["duration"].startswith("9599h59m")
        edge.want(decision("x", "203.0.113.7", until="2020-01-01T00:00:00Z"))
        assert _actions(edge.plan())[0][1] is Action.DELETE


def test_fm16_a_look_that_another_write_has_overtaken_is_stale(
    crowdsec: RealCrowdSec, tmp_path: Path
) -> None:
    """Else both would add the same bans."""
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as edge:
        live, found = edge.look()
        edge.apply()
        with pytest.raises(StalePlanError):
            list(edge.provider.apply(live, found.changes))
    assert len(crowdsec.decisions()) == 1


def test_no_database_stops_countries_alone(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    """What stands keeps standing; the notice names the resource and the cure."""
    wanted = (country("NG"), country("BR"), decision("x", "192.0.2.9"))
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(country("NG")) as edge:
        edge.apply()
    before = _values(crowdsec, _ORIGIN)
    with BannedEdge.of(crowdsec, tmp_path).want(*wanted) as edge:
        assert [change.object_id for change in edge.plan()] == ["decision/x"]
        assert _all_done(edge.apply())
        notices = edge.provider.notices(edge.wanted)
    assert {(notice.reason, str(notice.subject)) for notice in notices} == {
        ("GeoDatabaseMissing", "CountryBan/ng"),
        ("GeoDatabaseMissing", "CountryBan/br"),
    }
    assert _values(crowdsec, _ORIGIN) == before


def test_a_country_without_ranges_is_told(crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path) -> None:
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database).want(country("IS"), country("NG")) as edge:
        assert [change.object_id for change in edge.plan()] == ["country/NG"]
        [notice] = edge.provider.notices(edge.wanted)
    assert notice.reason == "CountryWithoutRanges"


def test_a_plan_tells_what_a_country_means(
    crowdsec: RealCrowdSec, tmp_path: Path, geo_database: Path
) -> None:
    with BannedEdge.of(crowdsec, tmp_path, geo=geo_database) as edge:
        [change] = edge.want(country("NG"), allowlist("us", "198.51.100.64/26")).plan()
        [ranges] = [field.after for field in change.fields if field.name == "ranges"]
    total = len(country_networks()["NG"]) + 1
    assert ranges is not None
    assert ranges.startswith(f"{total:,} (")
    assert ranges.endswith("IPv6); 1 taken out by Allowlist/us")


def test_fm13_a_dead_lapi_is_transient_and_a_wrong_password_terminal(
    crowdsec: RealCrowdSec, tmp_path: Path
) -> None:
    """Each says what to do, and neither what was tried as a password."""
    with BannedEdge.of(crowdsec, tmp_path, password="canary-password") as edge:
        with pytest.raises(TerminalError, match="cscli machines") as refused:
            edge.provider.observe()
        crowdsec.stop()
        with pytest.raises(TransientError, match="is CrowdSec running") as dead:
            edge.provider.observe()
    assert refused.value.reason == "LoginRefused"
    assert dead.value.reason == "Unreachable"
    for failure in (refused, dead):
        assert "canary" not in f"{failure.value!r} {failure.value.__cause__!r}"


def test_a_restarted_lapi_is_logged_in_to_again(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """It forgets all tokens; nobody notices, nor before a write."""
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as edge:
        live, found = edge.look()
        crowdsec.restart()
        assert _all_done(tuple(edge.provider.apply(live, found.changes)))
        crowdsec.kill()
        crowdsec.start()
        assert edge.plan() == ()


def test_looking_writes_nothing(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """Neither alerts, nor the pull of the Edge's bouncer, whose changes it would take."""
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as edge:
        edge.apply()
        before = (
            crowdsec.cscli("bouncers", "list", "-o", "raw"),
            crowdsec.cscli("alerts", "list", "--all", "-o", "raw"),
        )
        edge.plan()
        after = (
            crowdsec.cscli("bouncers", "list", "-o", "raw"),
            crowdsec.cscli("alerts", "list", "--all", "-o", "raw"),
        )
    assert _without_time_left(before) == _without_time_left(after)


def test_a_bouncer_sees_what_was_done_since_it_last_asked(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    """Our looks steal nothing from its stream; a replaced row is no removal to it."""
    _stream(crowdsec, startup=True)
    with BannedEdge.of(crowdsec, tmp_path).want(
        decision("x", "203.0.113.7"), decision("y", "203.0.113.8")
    ) as edge:
        edge.apply()
        edge.plan()
        assert _stream(crowdsec) == ({"203.0.113.7", "203.0.113.8"}, set())
        edge.want(decision("x", "203.0.113.7", reason="other")).apply()
        assert _stream(crowdsec) == ({"203.0.113.7"}, {"203.0.113.8"})


@pytest.mark.parametrize("settings", [{"lapiUrl": "http://127.0.0.1:9"}, {}])
def test_a_target_elsewhere_is_a_provider_error(
    tmp_path: Path, upstream: object, settings: dict[str, str]
) -> None:
    """Nobody listening, or something that is no LAPI."""
    port = getattr(upstream, "port", 0)
    url = settings.get("lapiUrl", f"http://127.0.0.1:{port}")
    with (
        BannedEdge(target_at("main", url), tmp_path, "x") as edge,
        pytest.raises((TransientError, TerminalError)),
    ):
        edge.provider.observe()


def _without_time_left(listings: tuple[str, str]) -> tuple[str, Sequence[str]]:
    bouncers, alerts = listings
    return bouncers, [line.split(",")[0] for line in alerts.splitlines()]


def _stream(crowdsec: RealCrowdSec, startup: bool = False) -> tuple[set[str], set[str]]:
    answer = httpx.get(
        f"{crowdsec.lapi_url}/v1/decisions/stream",
        params={"startup": str(startup).lower()},
        headers={"X-Api-Key": crowdsec.bouncer_key, "User-Agent": "argos-tests/1"},
    )
    found = answer.raise_for_status().json()
    new, gone = ({each["value"] for each in found[name] or ()} for name in ("new", "deleted"))
    return new, gone


def _post_as_the_panel_does(crowdsec: RealCrowdSec, value: str) -> None:
    """An alert of the Argos panel: our origin for the country, another source."""
    headers = {"User-Agent": "argos-tests/1"}
    login = {"machine_id": crowdsec.machine_id, "password": crowdsec.machine_password, "scenarios": []}
    with httpx.Client(base_url=crowdsec.lapi_url, headers=headers) as client:
        token = client.post("/v1/watchers/login", json=login).raise_for_status().json()["token"]
        now = datetime.now(UTC).isoformat()
        row = {
            "origin": _ORIGIN,
            "type": "ban",
            "scope": "Range",
            "value": value,
            "duration": "4h",
            "scenario": "panel",
        }
        body = {
            "scenario": "panel",
            "scenario_hash": "",
            "scenario_version": "",
            "message": "",
            "events_count": 1,
            "events": [],
            "start_at": now,
            "stop_at": now,
            "capacity": 0,
            "leakspeed": "0",
            "simulated": False,
            "source": {"scope": "Country", "value": "NG"},
            "decisions": [row],
        }
        client.post(
            "/v1/alerts", json=[body], headers={"Authorization": f"Bearer {token}"}
        ).raise_for_status()
