"""Plans and their digests."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.objects import ManagedObject
from argos_gitops.model.plan import Failure, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning import plan as planning
from tests.planning.plans import BAN, MOVE, NOW, REMOVAL, REVISION, assemble, of_changes
from tests.planning.world import CADDY, CROWDSEC, World, desires, worlds


@given(desires(), worlds(), st.randoms(use_true_random=False))
def test_the_digest_is_the_same_in_any_order(
    desired: dict[str, ManagedObject], world: World, dice: random.Random
) -> None:
    changes = list(world.difference(desired).changes)
    systems = [SystemPlan(CADDY, tuple(changes), "f1", blocked=("a", "b")), SystemPlan(CROWDSEC, (BAN,))]
    dice.shuffle(changes)
    shuffled = [SystemPlan(CROWDSEC, (BAN,)), SystemPlan(CADDY, tuple(changes), "f1", blocked=("b", "a"))]
    assert assemble(REVISION, systems).digest == assemble(REVISION, shuffled).digest
    assert [part.system for part in assemble(REVISION, shuffled).systems] == [CADDY, CROWDSEC]


def test_a_digest_is_32_hex_digits_and_the_same_in_every_process() -> None:
    assert of_changes(MOVE).digest == "d792aed2702cead4d7d5fd2b1a73440c"


def test_nobody_can_try_secrets_against_the_digest_of_a_plan() -> None:
    """Not even who knows all that a plan is made of but the key: the digests of two stores differ."""
    systems = [SystemPlan(CADDY, (MOVE,))]
    digests = {planning.assemble(REVISION, systems, key).digest for key in (b"", b"one store", b"another")}
    assert len(digests) == 3


@pytest.mark.parametrize(
    "other",
    [
        replace(MOVE, after={"upstream": "10.0.0.7:3000"}),
        replace(MOVE, before={"upstream": "10.0.0.4:3000"}),
        replace(MOVE, action=Action.CREATE),
        replace(MOVE, cause=Cause.DRIFT),
        replace(MOVE, object_id="host/other"),
        replace(MOVE, owner=ResourceKey("Host", "other")),
    ],
)
def test_whatever_would_be_written_makes_the_digest(other: Change) -> None:
    assert of_changes(other).digest != of_changes(MOVE).digest


def test_so_do_the_revision_the_system_the_number_of_changes_and_the_guard() -> None:
    plans = [
        assemble(REVISION, []),
        assemble(replace(REVISION, sha="0" * 40), []),
        assemble(REVISION, [SystemPlan(CADDY, (MOVE,))]),
        assemble(REVISION, [SystemPlan(CROWDSEC, (MOVE,))]),
        assemble(REVISION, [SystemPlan(CADDY, (MOVE, REMOVAL))]),
        assemble(REVISION, [SystemPlan(CADDY, (MOVE,), blocked=("a hazard",))]),
    ]
    assert len({plan.digest for plan in plans}) == len(plans)


def test_words_times_and_what_cannot_be_written_do_not() -> None:
    """An approval outlives a note, a clock, and a system that went away or came back without changes."""
    told = replace(MOVE, fields=(), note="was also changed", since=NOW, location=None)
    away = SystemPlan(CROWDSEC, failure=Failure("Unreachable", "connection refused"))
    back = SystemPlan(CROWDSEC, live_fingerprint="f2")
    assert of_changes(told).digest == of_changes(MOVE).digest
    for crowdsec in (away, back):
        assert assemble(REVISION, [SystemPlan(CADDY, (MOVE,)), crowdsec]).digest == of_changes(MOVE).digest
