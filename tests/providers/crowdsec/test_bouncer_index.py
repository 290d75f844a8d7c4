"""The index answers as a list of all decisions would, whatever comes and goes."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import DecisionTable, Found, packed_address
from argos_gitops.providers.crowdsec.bouncer.index import Decision, DecisionIndex
from tests.providers.crowdsec.plain_decisions import answer_of, plain_answers

_NOW = 1000.0


def banned(number: int, value: str, *, end: int = 2000, kind: str = "ban", origin: str = "cscli") -> Decision:
    return Decision(number, value, kind, origin, end)


def index_of(*decisions: Decision) -> DecisionIndex:
    index = DecisionIndex()
    for decision in decisions:
        index.add(decision)
    return index


def found_in(index: DecisionIndex, address: str, now: float = _NOW) -> Found | None:
    """What is answered by the index, as it was packed."""
    return DecisionTable(memoryview(index.pack())).find(packed_address(address), now)


def scope_for(index: DecisionIndex, address: str, now: float = _NOW) -> str | None:
    found = found_in(index, address, now)
    return None if found is None else found.scope


# A few bits vary, so that prefixes cover each other and values meet.
_addresses = st.one_of(
    st.integers(0, 63).map(lambda bits: f"203.0.{bits >> 3}.{(bits & 7) * 32}"),
    st.integers(0, 63).map(lambda bits: f"2001:db8:{bits >> 3}::{bits & 7}"),
)
_networks = st.tuples(_addresses, st.integers(0, 32)).map(
    lambda pair: str(ip_network(f"{pair[0]}/{(128 if ':' in pair[0] else 32) - pair[1]}", strict=False))
)
_decisions = st.builds(
    Decision,
    id=st.integers(1, 30),
    value=st.one_of(_addresses, _networks),
    type=st.sampled_from(["ban", "captcha", "throttle"]),
    origin=st.sampled_from(["cscli", "CAPI"]),
    end=st.sampled_from([500, 1500, 2500]),
)


@given(
    st.lists(_decisions, max_size=30, unique_by=lambda each: each.id), st.sets(st.integers(1, 30)), _addresses
)
def test_it_answers_like_a_list(decisions: list[Decision], gone: set[int], address: str) -> None:
    """Whatever overlaps, has ended or was taken out."""
    index = index_of(*decisions)
    for decision in decisions:
        if decision.id in gone:
            index.remove(decision.id, decision.value)
    left = [each for each in decisions if each.id not in gone]
    assert answer_of(found_in(index, address)) in plain_answers(left, address, _NOW)
    assert len(index) == len(left)


@given(
    st.lists(_decisions, max_size=30, unique_by=lambda each: each.id), st.sets(st.integers(1, 30)), _addresses
)
def test_a_sweep_leaves_what_was_seen(decisions: list[Decision], seen: set[int], address: str) -> None:
    """A look at everything drops what LAPI does not tell any more, and nothing else."""
    index = index_of(*decisions)
    left = [each for each in decisions if each.id in seen]
    index.begin()
    for decision in left:
        index.add(decision)
    index.sweep()
    assert answer_of(found_in(index, address)) in plain_answers(left, address, _NOW)
    assert len(index) == len(left)


def test_the_longest_prefix_is_told() -> None:
    index = index_of(banned(1, "203.0.113.0/24"), banned(2, "203.0.113.7"), banned(3, "203.0.0.0/16"))
    assert scope_for(index, "203.0.113.7") == "203.0.113.7"
    assert scope_for(index, "203.0.113.8") == "203.0.113.0/24"
    assert scope_for(index, "203.0.112.1") == "203.0.0.0/16"
    assert scope_for(index, "198.51.100.1") is None


def test_a_ban_of_a_range_is_not_softened_by_a_captcha_for_one_address() -> None:
    index = index_of(banned(1, "203.0.113.0/24"), banned(2, "203.0.113.7", kind="captcha"))
    found = found_in(index, "203.0.113.7")
    assert found is not None
    assert (found.remedy, found.scope) == (Remedy.BAN, "203.0.113.0/24")


def test_a_shorter_decision_that_ends_does_not_lift_a_longer_one() -> None:
    """Nor does one that is taken out; the last one that goes lifts the ban."""
    index = index_of(banned(1, "203.0.113.7", end=1100), banned(2, "203.0.113.7", end=3000, origin="CAPI"))
    assert scope_for(index, "203.0.113.7", now=1200.0) == "203.0.113.7"
    index.remove(1, "203.0.113.7")
    assert scope_for(index, "203.0.113.7") == "203.0.113.7"
    index.remove(2, "203.0.113.7")
    assert scope_for(index, "203.0.113.7") is None


def test_a_decision_ends_by_our_own_clock() -> None:
    index = index_of(banned(1, "203.0.113.7", end=1100))
    assert scope_for(index, "203.0.113.7", now=1099.9) is not None
    assert scope_for(index, "203.0.113.7", now=1100.0) is None


def test_a_decision_that_is_told_twice_is_one() -> None:
    index = index_of(banned(1, "203.0.113.7"), banned(1, "203.0.113.7", end=2500))
    assert len(index) == 1
    assert scope_for(index, "203.0.113.7", now=2400.0) is not None


def test_ipv4_in_ipv6_form_is_ipv4() -> None:
    """On either side: a client on a dual-stack socket, and a range that somebody banned in that form."""
    index = index_of(banned(1, "203.0.113.0/24"), banned(2, "::ffff:198.51.100.0/120"))
    assert scope_for(index, "::ffff:203.0.113.9") == "203.0.113.0/24"
    assert scope_for(index, "198.51.100.20") == "198.51.100.0/24"


def test_ipv6_ranges_and_zones() -> None:
    index = index_of(banned(1, "2001:db8:7::/48"), banned(2, "fe80::1"))
    assert scope_for(index, "2001:db8:7:ffff::1") == "2001:db8:7::/48"
    assert scope_for(index, "2001:db8:8::1") is None
    assert scope_for(index, "fe80::1%eth0") == "fe80::1"


def test_everything_may_be_banned() -> None:
    assert scope_for(index_of(banned(1, "0.0.0.0/0")), "203.0.113.9") == "0.0.0.0/0"
    assert scope_for(index_of(banned(1, "::/0")), "203.0.113.9") is None


@pytest.mark.parametrize(
    "value", ["", "NG", "203.0.113.7/33", "203.0.113.0/x", "2001:db8::/129", "203.0.113"]
)
def test_what_is_no_network_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        DecisionIndex().add(banned(1, value))
