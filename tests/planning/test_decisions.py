"""Decisions as packed bytes answer as a list of them does, whatever came since."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import DecisionTable, packed_address, verdict_of
from argos_gitops.providers.crowdsec.bouncer.index import MOST_CHANGES, Decision, DecisionIndex
from tests.providers.crowdsec.plain_decisions import answer_of, network_of, plain_answers
from tests.providers.crowdsec.test_bouncer_index import _addresses, _decisions, banned, index_of

_NOW = 1000.0
_addresses_of_both = st.one_of(_addresses, st.sampled_from(["2001:db8::ffff:0:7", "::ffff:203.0.1.32"]))


def table_of(index: DecisionIndex) -> DecisionTable:
    return DecisionTable(memoryview(index.pack()))


@given(
    st.lists(_decisions, max_size=30, unique_by=lambda each: each.id),
    st.lists(_decisions, max_size=10, unique_by=lambda each: each.id),
    st.sets(st.integers(1, 30)),
    _addresses_of_both,
)
def test_a_table_answers_as_a_list(
    decisions: list[Decision], later: list[Decision], gone: set[int], address: str
) -> None:
    """When it was packed, and after each change that was told since."""
    index = index_of(*decisions)
    table = table_of(index)
    packed = packed_address(address)
    assert answer_of(table.find(packed, _NOW)) in plain_answers(decisions, address, _NOW)
    for decision in decisions:
        if decision.id in gone:
            index.remove(decision.id, decision.value)
    for decision in later:
        index.add(decision)
    table.change(index.take_changes() or ())
    left = {(each.id, network_of(each.value)): each for each in decisions if each.id not in gone}
    left |= {(each.id, network_of(each.value)): each for each in later}
    right = plain_answers(left.values(), address, _NOW)
    assert answer_of(table.find(packed, _NOW)) in right
    assert answer_of(table_of(index).find(packed, _NOW)) in right


def test_a_look_at_everything_that_finds_nothing_new_tells_nothing() -> None:
    index = index_of(banned(1, "203.0.113.0/24"))
    index.pack()
    index.begin()
    index.add(banned(1, "203.0.113.0/24"))
    index.sweep()
    assert index.take_changes() == []


def test_few_changes_are_told_one_by_one_and_many_as_everything() -> None:
    """So that one new ban costs the same whether a hundred stand or 100,000."""
    index = DecisionIndex()
    assert index.take_changes() is None  # nothing was told yet
    for number in range(MOST_CHANGES + 1):
        index.add(banned(number + 1, f"10.{number >> 8}.{number & 255}.0/24"))
    index.pack()
    index.add(banned(99_999, "203.0.113.7"))
    assert [(each.length, len(each.held)) for each in index.take_changes() or ()] == [(32, 1)]
    for number in range(MOST_CHANGES + 1):
        index.remove(number + 1, f"10.{number >> 8}.{number & 255}.0/24")
    assert index.take_changes() is None


def test_a_table_takes_twelve_bytes_for_a_range() -> None:
    """It is shared by all processes, and read where it lies."""
    small, large = (
        len(index_of(*(banned(n + 1, f"10.{n >> 8}.{n & 255}.0/24") for n in range(count))).pack())
        for count in (1000, 3000)
    )
    assert (large - small) / 2000 == pytest.approx(12, abs=0.1)


def test_a_lookup_compares_few_prefixes_however_many_there_are() -> None:
    """Counted, not timed: about as many as the logarithm."""
    compared: list[int] = []

    class Counting(Sequence[int]):
        def __init__(self, keys: Sequence[int]) -> None:
            self._keys = keys

        def __len__(self) -> int:
            return len(self._keys)

        def __getitem__(self, index: int) -> int:  # type: ignore[override] # no slices are asked for
            compared.append(index)
            return self._keys[index]

    table = table_of(index_of(*(banned(n + 1, f"10.{n >> 8}.{n & 255}.0/24") for n in range(50_000))))
    (only,) = table._ordered[32]  # noqa: SLF001 # what is looked at is counted beneath
    only._keys = Counting(only._keys)  # type: ignore[arg-type] # noqa: SLF001
    assert table.find(packed_address("10.77.5.1"), _NOW) is not None
    assert len(compared) <= 20


def test_what_is_no_table_is_an_error() -> None:
    with pytest.raises((ValueError, json.JSONDecodeError)):
        DecisionTable(memoryview(b"\x10" + bytes(30)))


@pytest.mark.parametrize(("closed", "remedy"), [(True, Remedy.BAN), (False, Remedy.ALLOW)])
def test_without_a_decision_freshness_decides(closed: bool, remedy: Remedy) -> None:  # a case
    assert verdict_of(None, 10.0, 11.0, closed=closed).certain
    stale = verdict_of(None, 11.0, 11.0, closed=closed)
    assert (stale.certain, stale.remedy) == (False, remedy)
