"""Properties of the difference, over everything that can have happened to a small world."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.objects import Content, ManagedObject
from argos_gitops.planning.diff import diff
from argos_gitops.planning.holds import sentences
from tests.planning.world import EDGE, World, desires, fields_of, managed, owner_of, worlds

Desired = dict[str, ManagedObject]
ValueT = TypeVar("ValueT")


@given(desires(), worlds())
def test_nothing_is_left_to_do_after_an_apply(desired: Desired, world: World) -> None:
    """fm05: plan(apply(x)) is empty, and so is what the inventory has to learn after a second pass."""
    world.apply(desired, world.difference(desired).changes)
    world.settle(world.difference(desired))
    again = world.difference(desired)
    assert (again.changes, again.settled, again.forgotten) == ((), (), ())


@given(desires(), worlds())
def test_fm14_an_apply_killed_anywhere_converges(desired: Desired, world: World) -> None:
    """Killed before any write, or between a write and its record: the next pass ends where one pass would."""
    planned = world.difference(desired).changes
    whole = world.copy()
    whole.apply(desired, planned)
    for step in range(len(planned) + 1):
        for recorded in (True, False):
            killed = world.copy()
            killed.apply(desired, planned[:step])
            if step < len(planned) and not recorded:
                killed.write(planned[step])
            killed.apply(desired, killed.difference(desired).changes)
            assert killed.difference(desired).changes == ()
            assert (killed.live, killed.foreign) == (whole.live, whole.foreign)


@given(desires(), worlds())
def test_what_is_not_ours_is_never_removed(desired: Desired, world: World) -> None:
    removed = {
        change.object_id for change in world.difference(desired).changes if change.action is Action.DELETE
    }
    assert removed <= set(world.inventory) | set(world.live)
    assert not removed & (set(world.foreign) - set(world.inventory))


@given(desires(), worlds())
def test_what_is_protected_or_suspended_is_kept_and_named(desired: Desired, world: World) -> None:
    difference = world.difference(desired)
    for change in difference.changes:
        assert change.owner not in world.suspended
        known = world.inventory.get(change.object_id)
        assert not (change.action is Action.DELETE and known is not None and known.protected)
    everything = diff(replace(world.situation(desired), holds=()))
    waiting = [held.change for held in difference.held]
    needed = [*everything.changes, *(held.change for held in everything.held)]
    assert sorted(map(_place, (*difference.changes, *waiting))) == sorted(map(_place, needed))
    assert all(held.message for held in difference.held)


@given(desires(), worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_means_nothing(desired: Desired, world: World, dice: random.Random) -> None:
    situation = world.situation(desired)
    shuffled = replace(
        situation,
        desired=_shuffled(desired, dice),
        live=_shuffled(situation.live, dice),
        inventory=_shuffled(situation.inventory, dice),
    )
    one, other = diff(situation), diff(shuffled)
    assert one.changes == other.changes
    assert (one.held, one.existing, one.desired) == (other.held, other.existing, other.desired)
    assert sorted(each.id for each in one.settled) == sorted(each.id for each in other.settled)


@given(desires(), worlds())
def test_fm06_each_change_carries_its_fields_and_its_cause(desired: Desired, world: World) -> None:
    for change in world.difference(desired).changes:
        before, after = change.before or {}, change.after or {}
        assert {field.name for field in change.fields} == {
            name for name in {**before, **after} if before.get(name) != after.get(name)
        }
        assert (change.since is not None) == (change.cause is Cause.DRIFT)


@given(desires(), worlds())
def test_writes_come_before_removals(desired: Desired, world: World) -> None:
    removals = [change.action is Action.DELETE for change in world.difference(desired).changes]
    assert removals == sorted(removals)


@given(desires(), worlds())
def test_the_counts_are_those_of_the_world(desired: Desired, world: World) -> None:
    """`existing` is computed from the changes; here it is counted the long way."""
    ours = set(world.live) | {each for each in world.foreign if each in world.inventory or each in desired}
    everything = replace(world.situation(desired), holds=())
    assert sum(count for _, count in diff(everything).existing) == len(ours)


@given(desires(), worlds())
def test_a_repair_brings_back_what_was_applied(desired: Desired, world: World) -> None:
    for change in world.difference(desired).changes:
        known = world.inventory.get(change.object_id)
        if change.cause is Cause.DRIFT and change.action is not Action.DELETE:
            assert known is not None
            assert known.digest == desired[change.object_id].digest


def test_fields_are_asked_for_changed_objects_only() -> None:
    """10,000 hosts of which one changed cost one description of before and one of after."""
    desired = {f"host/h{number}": managed(f"host/h{number}", {"n": number}) for number in range(20)}
    world = World({each: wanted.content for each, wanted in desired.items()})
    desired["host/h3"] = managed("host/h3", {"n": "changed"})
    asked: list[Content] = []

    def describe(content: Content) -> Mapping[str, str]:
        asked.append(content)
        return fields_of(content)

    diff(replace(world.situation(desired), describe=describe))
    assert asked == [{"n": 3}, {"n": "changed"}]


def test_a_suspended_target_waits_as_a_whole() -> None:
    world = World({"host/a": {"n": 1}}, suspended=frozenset([EDGE]))
    difference = world.difference({"host/b": managed("host/b", {"n": 2})})
    assert difference.changes == ()
    told = "Edge/main is suspended (argos.dev/suspend): 2 changes wait"
    assert sentences(difference.held) == (told,)
    assert difference.complete
    assert difference.pending == {owner_of("host/a"), owner_of("host/b")}


def _place(change: Change) -> tuple[str, str]:
    return change.object_id, change.action


def _shuffled(mapping: Mapping[str, ValueT], dice: random.Random) -> dict[str, ValueT]:
    items = list(mapping.items())
    dice.shuffle(items)
    return dict(items)
