"""Bans that would lock somebody out are named; renewals of approved ones are not."""

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_network

import pytest

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.crowdsec.hazards import hazards_of
from argos_gitops.providers.crowdsec.marks import Stamp
from argos_gitops.providers.crowdsec.observe import ban_content

_OFFICE = (ip_network("203.0.113.7/32"), ip_network("2001:db8:7::/48"))


def _change(values: Sequence[str], before: Sequence[str] = (), scope: str = "Range") -> Change:
    stamp = Stamp("ban", scope, "argos-gitops/main: x")
    return Change(
        Action.UPDATE if before else Action.CREATE,
        Cause.REVISION,
        "decision/x",
        ResourceKey("Decision", "x"),
        ban_content(stamp, before) if before else None,
        ban_content(stamp, values),
    )


@pytest.mark.parametrize(
    ("value", "scope", "named"),
    [
        ("203.0.113.0/24", "Range", "protected address 203.0.113.7;"),
        ("203.0.113.7", "Ip", "protected address 203.0.113.7;"),
        ("2001:db8:7:1::/64", "Range", "protected address 2001:db8:7::/48;"),
        ("192.0.2.9", "Ip", "agent's own address 192.0.2.9;"),
        ("127.0.0.1", "Ip", "loopback address 127.0.0.0/8;"),
        ("10.1.0.0/16", "Range", "private addresses: 10.0.0.0/8;"),
    ],
)
def test_a_dangerous_ban_is_named(value: str, scope: str, named: str) -> None:
    """With the resource, the range and whom it would hit."""
    [sentence] = hazards_of([_change([value], scope=scope)], _OFFICE, "192.0.2.9")
    assert sentence.startswith(f"Decision/x would ban {value}")
    assert named in sentence


@pytest.mark.parametrize(
    ("value", "scope"),
    [("203.0.113.8", "Ip"), ("198.51.100.0/24", "Range"), ("10.1.2.3", "Ip"), ("240.0.0.0/8", "Range")],
)
def test_other_bans_are_no_danger(value: str, scope: str) -> None:
    """One private address by itself can hardly be a slip."""
    assert hazards_of([_change([value], scope=scope)], _OFFICE, "192.0.2.9") == []


def test_all_addresses_are_every_danger() -> None:
    assert len(hazards_of([_change(["0.0.0.0/0"])], _OFFICE, "192.0.2.9")) == 3 + 4


def test_only_what_is_added_counts() -> None:
    """The renewal of a ban that somebody approved must not be blocked: it would end."""
    values = ["203.0.113.0/24"]
    assert hazards_of([_change(values, before=values)], _OFFICE, "") == []


def test_a_country_is_searched_whole() -> None:
    """One address among thousands of ranges is found."""
    first = int(IPv4Address("198.0.0.0"))
    country = [f"{IPv4Address(first + (number << 9))}/24" for number in range(20_000)]
    hit = ip_network("198.51.100.9/32")
    [sentence] = hazards_of([_change(country)], (hit,), "")
    assert "198.51.100.0/24, which covers the protected address 198.51.100.9;" in sentence


def test_a_lifted_ban_is_no_danger() -> None:
    change = _change(["203.0.113.0/24"])
    lifted = Change(Action.DELETE, Cause.REVISION, change.object_id, change.owner, change.after, None)
    assert hazards_of([lifted], _OFFICE, "") == []
