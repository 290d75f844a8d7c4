"""LAPI's own allowlists end bans: what an operator allowlisted is taken out, and never banned again."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argos_gitops.model.errors import ProviderError
from tests.components.crowdsec import RealCrowdSec
from tests.components.geo import write_country_database
from tests.providers.crowdsec.edge import BannedEdge, allowlist, country, decision, edge
from tests.providers.crowdsec.stand_in import Reply, StandInLapi

_NG = ["198.51.100.0/24", "2001:db8:7::/48"]
_OPERATOR = "198.51.100.77"


@pytest.fixture
def lapi() -> Iterator[StandInLapi]:
    with StandInLapi() as lapi:
        yield lapi


@pytest.fixture
def banned(lapi: StandInLapi, tmp_path: Path) -> Iterator[BannedEdge]:
    geo = write_country_database(tmp_path / "geo.mmdb", {"NG": _NG})
    with BannedEdge(edge("main", lapi.url), tmp_path / "cache", "secret", geo=geo) as banned:
        yield banned.want(country("NG"), decision("x", "203.0.113.7"))


def _covers(values: list[str], address: str) -> bool:
    return any(
        network.version == ip_address(address).version and ip_address(address) in network
        for network in map(ip_network, values)
    )


def test_an_operator_who_allowlists_himself_is_not_locked_out(lapi: StandInLapi, banned: BannedEdge) -> None:
    """LAPI ends the whole range; only what lies beside the entry is banned again, and stays."""
    banned.apply()
    assert _covers(lapi.values(), _OPERATOR)
    lapi.allow("office", _OPERATOR)
    assert lapi.values() == ["2001:db8:7::/48", "203.0.113.7"]
    changes = banned.plan()
    assert [change.object_id for change in changes] == ["country/NG"]
    assert "1 taken out by LAPI's allowlist office" in str(banned.provider.fields(changes[0].after or {}))
    banned.apply()
    assert not _covers(lapi.values(), _OPERATOR)
    assert _covers(lapi.values(), "198.51.100.76")
    assert _covers(lapi.values(), "198.51.100.78")
    assert banned.plan() == ()


def test_the_next_entry_ends_nothing_of_ours_again(lapi: StandInLapi, banned: BannedEdge) -> None:
    """LAPI ends what contains an entry of any list, at each new one: nothing of ours does."""
    lapi.allow("office", _OPERATOR)
    banned.apply()
    standing = lapi.values()
    lapi.allow("office", "192.0.2.250")
    lapi.allow("home", "192.0.2.251")
    assert lapi.values() == standing
    assert banned.plan() == ()


def test_a_decision_that_is_allowlisted_whole_stays_away_and_says_so(
    lapi: StandInLapi, banned: BannedEdge
) -> None:
    banned.apply()
    lapi.allow("partners", "203.0.113.0/28")
    assert banned.plan() == ()
    [notice] = banned.provider.notices(banned.wanted)
    assert (str(notice.subject), notice.reason) == ("Decision/x", "AllowlistedInLapi")
    assert "LAPI's allowlist partners" in notice.message
    assert not _covers(lapi.values(), "203.0.113.7")


def test_an_entry_that_has_expired_or_goes_is_banned_again(lapi: StandInLapi, banned: BannedEdge) -> None:
    banned.apply()
    soon = (lapi.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    lapi.allow("office", _OPERATOR, expiration=soon)
    banned.apply()
    assert not _covers(lapi.values(), _OPERATOR)
    assert lapi.allowlists is not None
    lapi.allowlists[0]["items"][0]["expiration"] = "2020-01-01T00:00:00.000Z"
    assert banned.provider.moved("decisions")
    banned.apply()
    assert _covers(lapi.values(), _OPERATOR)
    assert banned.plan() == ()


def test_lists_of_ours_and_of_lapi_are_both_named(lapi: StandInLapi, banned: BannedEdge) -> None:
    banned.want(country("NG"), allowlist("partners", "198.51.100.1"))
    lapi.allow("office", _OPERATOR)
    [change] = banned.plan()
    told = str(banned.provider.fields(change.after or {}))
    assert "1 taken out by Allowlist/partners" in told
    assert "1 taken out by LAPI's allowlist office" in told


@given(
    st.lists(
        st.one_of(
            st.integers(0, 255).map(lambda host: f"198.51.100.{host}"),
            st.tuples(st.integers(0, 15), st.integers(25, 31)).map(
                lambda each: str(ip_network(f"198.51.100.{each[0] * 16}/{each[1]}", strict=False))
            ),
        ),
        max_size=6,
    )
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_allowlisted_no_ban_contains_it_and_the_rest_is_banned(
    tmp_path: Path, entries: list[str]
) -> None:
    """Address by address; and a further entry elsewhere ends nothing."""
    geo = write_country_database(tmp_path / "geo.mmdb", {"NG": ["198.51.100.0/24"]})
    with (
        StandInLapi() as lapi,
        BannedEdge(edge("main", lapi.url), tmp_path / "cache", "secret", geo=geo) as banned,
    ):
        banned.want(country("NG")).apply()
        for entry in entries:
            lapi.allow("office", entry)
        banned.apply()
        allowed = [ip_network(entry) for entry in entries]
        for host in range(256):
            address = ip_address(f"198.51.100.{host}")
            assert _covers(lapi.values(), str(address)) != any(address in each for each in allowed)
        standing = lapi.values()
        lapi.allow("office", "192.0.2.1")
        assert lapi.values() == standing
        assert banned.plan() == ()


@pytest.mark.parametrize(
    "lie",
    [
        Reply(body=b"<html>"),
        Reply(content={"office": []}),
        Reply(content=[7]),
        Reply(content=[{"name": None, "items": []}]),
        Reply(content=[{"name": "office", "items": [{"value": 7}]}]),
        Reply(content=[{"name": "office", "items": [{"value": "192.0.2.1", "expiration": "some day"}]}]),
        Reply(500, {"message": "boom"}),
    ],
    ids=["HTML", "an object", "numbers", "no name", "a value as a number", "no time", "an error"],
)
def test_while_the_allowlists_cannot_be_read_nothing_is_planned(
    lapi: StandInLapi, banned: BannedEdge, lie: Reply
) -> None:
    """Or a ban would be written over an entry that nobody could see."""
    lapi.lies["GET", "/v1/allowlists"] = lambda asked: lie
    with pytest.raises(ProviderError):
        banned.plan()


def test_an_entry_that_is_no_address_is_told(lapi: StandInLapi, banned: BannedEdge) -> None:
    assert lapi.allowlists is not None
    lapi.allowlists.append({"name": "office", "items": [{"value": "example.com"}, {"value": _OPERATOR}]})
    live, _ = banned.look()
    assert [notice.reason for notice in live.notices] == ["AllowlistUnreadable"]
    banned.apply()
    assert not _covers(lapi.values(), _OPERATOR)


@pytest.mark.parametrize("lists", [None, "empty"])
def test_a_lapi_without_allowlists_is_served_as_before(
    lapi: StandInLapi, banned: BannedEdge, lists: str | None
) -> None:
    lapi.allowlists = None if lists is None else []
    banned.apply()
    assert banned.plan() == ()
    assert list(banned.look()[0].notices) == []


def test_crowdsec_1_4_6_knows_no_allowlists_and_is_served_as_before(
    crowdsec: RealCrowdSec, tmp_path: Path
) -> None:
    with BannedEdge.of(crowdsec, tmp_path).want(decision("x", "203.0.113.7")) as banned:
        banned.apply()
        live, found = banned.look()
    assert (found.changes, list(live.notices), list(live.allowed)) == ((), [], [])
