"""How targets spread over replicas: evenly, all of them, and with no needless move."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.planning.spread import spread

NAMES = [f"Edge/{number}" for number in range(12)]
REPLICAS = ["a", "b", "c", "d"]
targets = st.frozensets(st.sampled_from(NAMES))
alike = st.builds(dict.fromkeys, st.sets(st.sampled_from(REPLICAS), min_size=1), targets)
apart = st.dictionaries(st.sampled_from(REPLICAS), targets, min_size=1)
holders = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*REPLICAS, "dead"]))


def sizes(division: Mapping[str, str], replicas: Mapping[str, object]) -> list[int]:
    count = Counter(division.values())
    return sorted(count[replica] for replica in replicas)


@given(apart, holders)
def test_each_target_is_with_somebody_who_may_take_it(
    wishes: dict[str, frozenset[str]], held: dict[str, str]
) -> None:
    """Nothing is left lying that anybody alive could work on, whoever had it before."""
    division = spread(wishes, held)
    assert division.keys() == frozenset().union(*wishes.values())
    assert all(target in wishes[replica] for target, replica in division.items())


@given(alike, holders)
def test_shares_differ_by_one_at_most(wishes: dict[str, frozenset[str]], held: dict[str, str]) -> None:
    division = spread(wishes, held)
    assert max(sizes(division, wishes)) - min(sizes(division, wishes)) <= 1


@given(apart, holders)
def test_a_division_that_stands_stays(wishes: dict[str, frozenset[str]], held: dict[str, str]) -> None:
    """Nothing moves to and fro while no replica comes or goes."""
    division = spread(wishes, held)
    assert spread(wishes, division) == division


@given(alike, holders)
def test_whoever_is_gone_costs_only_its_own_targets_a_move(
    wishes: dict[str, frozenset[str]], held: dict[str, str]
) -> None:
    before = spread(wishes, held)
    for gone in wishes:
        left = {replica: wish for replica, wish in wishes.items() if replica != gone}
        after = spread(left, before) if left else {}
        assert all(after[target] == holder for target, holder in before.items() if holder in left)


@given(alike, holders)
def test_a_newcomer_gets_its_share_and_nothing_else_moves(
    wishes: dict[str, frozenset[str]], held: dict[str, str]
) -> None:
    before = spread(wishes, held)
    after = spread(wishes | {"new": next(iter(wishes.values()))}, before)
    moved = {target for target in before if after[target] != before[target]}
    assert {after[target] for target in moved} <= {"new"}


def test_a_replica_of_few_targets_leaves_the_others_more_of_the_rest() -> None:
    """An agent that is limited to some targets takes of those; all else goes to who may."""
    wishes = {"anywhere": ["a", "b", "c", "d"], "site": ["a", "b"]}
    assert spread(wishes, {}) == {"a": "site", "b": "site", "c": "anywhere", "d": "anywhere"}
