"""Addresses and ranges: one spelling for each, and exact subtraction."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.crowdsec.networks import (
    Network,
    canonical_address,
    canonical_network,
    parsed,
)

# Small worlds, so that ranges and holes meet often: 256 addresses of each family.
_V4 = int(ip_network("203.0.113.0/24").network_address)
_V6 = int(ip_network("2001:db8::/120").network_address)


def _network(first: int, spread: int, bits: int) -> Network:
    base, width = (_V4, 32) if bits == 4 else (_V6, 128)
    size = 1 << spread
    start = base + first // size * size
    return IPv4Network((start, width - spread)) if bits == 4 else IPv6Network((start, width - spread))


_networks = st.builds(_network, st.integers(0, 255), st.integers(0, 8), st.sampled_from([4, 6]))


def _addresses(networks: Iterable[Network]) -> set[tuple[int, int]]:
    return {(each.version, int(address)) for each in networks for address in each}


def _disjoint(networks: Iterable[Network]) -> list[Network]:
    found = list(networks)
    v4 = collapse_addresses(each for each in found if isinstance(each, IPv4Network))
    v6 = collapse_addresses(each for each in found if isinstance(each, IPv6Network))
    return [*v4, *v6]


@given(st.lists(_networks, max_size=8), st.lists(_networks, max_size=8))
def test_taking_out_is_exact(networks: list[Network], holes: list[Network]) -> None:
    """Not one address too many or too few stays, and what stays does not overlap."""
    ranges = _disjoint(networks)
    left = [ip_network(text) for family in parsed(map(str, ranges)) for text in family.without(holes)]
    assert _addresses(left) == _addresses(ranges) - _addresses(holes)
    assert sum(each.num_addresses for each in left) == len(_addresses(left))


@given(st.lists(_networks, max_size=8), _networks)
def test_meeting_finds_exactly_what_overlaps(networks: list[Network], asked: Network) -> None:
    ranges = _disjoint(networks)
    found = {family.text(at) for family in parsed(map(str, ranges)) for at in family.meeting(asked)}
    expected = {
        str(each)
        for each in ranges
        if each.version == asked.version and _addresses([each]) & _addresses([asked])
    }
    assert found == expected


def test_what_no_hole_meets_keeps_its_text() -> None:
    """Subtracting elsewhere rewrites nothing, so it changes nothing in LAPI."""
    v4, _ = parsed(["198.51.100.0/24", "203.0.113.0/24"])
    left = v4.without([ip_network("203.0.113.128/25")])
    assert left == ["198.51.100.0/24", "203.0.113.0/25"]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
    ],
)
def test_an_address_has_one_spelling(written: str, canonical: str) -> None:
    assert canonical_address(written) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8::7", "2001:db8::7/128"),
    ],
)
def test_a_range_has_one_spelling(written: str, canonical: str) -> None:
    assert canonical_network(written) == canonical


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("203.0.113.7/24", "did you mean 203.0.113.0/24"),
        ("203.0.113.0/33", "is no range"),
        ("203.0.113.0/255.255.255.0", "is no range"),
        ("203.0.113.256/24", "is no IP address"),
        ("fe80::1%eth0/64", "has a zone"),
    ],
)
def test_what_is_no_range_is_refused_with_a_hint(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        canonical_network(written)
