"""Alerts become live objects: what counts as standing, and until when."""

from datetime import timedelta

import pytest

from argos_gitops.model.resource import ResourceKey
from tests.providers.crowdsec.lapi import NOW, alert, live_of, told

_NG = "argos-country-NG"


def _ends(left: str, age: timedelta = timedelta()) -> timedelta:
    """How long from now a row stands that LAPI gives `left`."""
    live = live_of(alert(1, *told(_NG, "203.0.113.0/24", left=left), age=age))
    [ends] = live.of("country/NG").stamps.values()
    return timedelta(seconds=ends["203.0.113.0/24"] - NOW.timestamp())


def test_an_origin_is_an_object() -> None:
    live = live_of(
        alert(1, *told(_NG, "203.0.113.0/24", "198.51.100.0/24"), *told("argos-decision-x", "192.0.2.0/24"))
    )
    assert list(live.objects) == ["country/NG", "decision/x"]
    found = live.objects["country/NG"]
    assert found.owned
    assert found.owner == ResourceKey("CountryBan", "ng")
    assert found.content["values"] == ("198.51.100.0/24", "203.0.113.0/24")


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        ("167h59m59.99s", 604_799),
        ("4h0m0s", 14_400),
        ("59m3.5s", 3_543),
        ("12.25s", 12),
        ("999.5ms", 0),
        ("12µs", 0),
    ],
)
def test_time_left_is_read_in_whole_seconds(left: str, seconds: int) -> None:
    """CrowdSec 1.4.6 tells fractions, 1.7 does not."""
    assert _ends(left) == timedelta(seconds=seconds)


def test_the_age_of_its_alert_ends_a_row_too() -> None:
    """LAPI's flush removes alerts of that age with all their decisions, active or not."""
    assert _ends("300h0m0s", age=timedelta(days=6)) == timedelta(days=1)


def test_what_has_ended_does_not_stand() -> None:
    """LAPI tells ended decisions of an alert with a negative time left."""
    live = live_of(alert(1, *told(_NG, "203.0.113.0/24", left="-1h2m3.5s"), *told(_NG, "192.0.2.0/24")))
    assert live.objects["country/NG"].content["values"] == ("192.0.2.0/24",)
    assert live_of(alert(1, *told(_NG, "203.0.113.0/24", left="-1s"))).objects == {}


def test_a_renewed_value_counts_once_and_ends_last() -> None:
    first = alert(1, *told(_NG, "203.0.113.0/24", left="1h0m0s"))
    second = alert(2, *told(_NG, "203.0.113.0/24", left="9h0m0s"))
    for order in ((first, second), (second, first)):
        live = live_of(*order)
        assert live.objects["country/NG"].content["values"] == ("203.0.113.0/24",)
        [ends] = live.of("country/NG").stamps.values()
        assert set(ends.values()) == {NOW.timestamp() + 9 * 3600}


def test_what_newer_rows_replace_is_told_beside_them() -> None:
    """So an object between two types, or a write that was killed, is never taken for right."""
    old = alert(1, *told("argos-decision-x", "192.0.2.0/24"))
    new = alert(2, *told("argos-decision-x", "192.0.2.0/24", type="captcha"))
    content = live_of(old, new).objects["decision/x"].content
    assert (content["type"], [each["type"] for each in content["also"]]) == ("captcha", ["ban"])


def test_the_fingerprint_is_about_what_stands() -> None:
    """A second, an order or an alert's number changes nothing; a value does."""
    one = live_of(alert(1, *told(_NG, "192.0.2.0/24", "203.0.113.0/24")))
    same = live_of(alert(7, *told(_NG, "203.0.113.0/24", "192.0.2.0/24", left="167h59m58s")))
    other = live_of(alert(1, *told(_NG, "192.0.2.0/24")))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_other_origins_under_our_mark_are_left_alone() -> None:
    """A later version may have written them."""
    assert live_of(alert(1, *told("argos-blocklist-x", "192.0.2.0/24"))).objects == {}
