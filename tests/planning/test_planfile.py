"""A plan on disk: it commits to what was shown, and is worth nothing once something moved."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.errors import ArgosError, SettingsError, StalePlanError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import Failure, Plan, SystemPlan
from argos_gitops.planning import plan as planning
from argos_gitops.planning.planfile import dump, load, verify_fresh
from tests.planning.plans import MOVE, REVISION, assemble, example, troubled
from tests.planning.world import CADDY, CROWDSEC


@pytest.mark.parametrize("plan", [example(), troubled(), assemble(REVISION, [])])
def test_a_plan_that_was_saved_is_fresh_while_nothing_moves(plan: Plan) -> None:
    verify_fresh(load(dump(plan)), plan)


BASE = [SystemPlan(CADDY, (MOVE,), "f1"), SystemPlan(CROWDSEC, (), "f2")]


@pytest.mark.parametrize(
    ("replanned", "named"),
    [
        (
            assemble(replace(REVISION, sha="9" * 40), BASE),
            "the revision moved from 3f2a9c1 to 9999999",
        ),
        (
            assemble(REVISION, [replace(BASE[0], live_fingerprint="f9"), BASE[1]]),
            "the live state of Edge/main caddy moved",
        ),
        (
            assemble(REVISION, [BASE[0], replace(BASE[1], live_fingerprint="f9")]),
            "the live state of Edge/main crowdsec moved",
        ),
        (
            assemble(REVISION, [BASE[0], SystemPlan(CROWDSEC, failure=Failure("Unreachable", "refused"))]),
            "Edge/main crowdsec cannot be observed now",
        ),
        (assemble(REVISION, BASE[:1]), "Edge/main crowdsec is no longer part of the plan"),
        (
            assemble(REVISION, [replace(BASE[0], changes=()), BASE[1]]),
            "the same revision and live state now give plan",
        ),
    ],
)
def test_fm16_what_moved_is_named_and_the_plan_refused(replanned: Plan, named: str) -> None:
    with pytest.raises(StalePlanError, match="the saved plan is stale") as caught:
        verify_fresh(load(dump(assemble(REVISION, BASE))), replanned)
    assert named in str(caught.value)
    assert caught.value.reason == "StalePlan"


def test_fm16_a_system_that_was_away_and_came_back_makes_a_plan_stale() -> None:
    away = assemble(REVISION, [BASE[0], SystemPlan(CROWDSEC, failure=Failure("Unreachable", "refused"))])
    with pytest.raises(StalePlanError, match="crowdsec could not be observed then, and can be now"):
        verify_fresh(load(dump(away)), assemble(REVISION, BASE))
    with pytest.raises(StalePlanError, match="crowdsec was no part of it"):
        verify_fresh(load(dump(assemble(REVISION, BASE[:1]))), assemble(REVISION, BASE))


def test_a_plan_of_another_store_is_not_compared() -> None:
    """Its digests have another key: that is said, instead of that everything moved."""
    elsewhere = planning.assemble(REVISION, BASE, b"the key of another store")
    with pytest.raises(StalePlanError, match=r"made with another store.*ARGOS_STORE"):
        verify_fresh(load(dump(elsewhere)), assemble(REVISION, BASE))


def test_a_plan_file_of_before_digests_had_keys_is_refused() -> None:
    with pytest.raises(SettingsError, match="format_version is 1, expected 2"):
        load(_edited(format_version=1))


def test_fm13_a_plan_file_holds_no_contents() -> None:
    """terraform#29535: contents may hold secrets, fields are masked."""
    secret = replace(MOVE, before={"key": "canary-before"}, after={"key": "canary-after"})
    assert b"canary" not in dump(assemble(REVISION, [SystemPlan(CADDY, (secret,), "f1")]))


def _edited(**changes: Any) -> bytes:
    return json.dumps({**json.loads(dump(example())), **changes}).encode()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not json",
        b"\x00\xff",
        b"[]",
        b"{}",
        b'"argos-gitops plan file"',
        dump(example())[:-40],
        dump(example()).replace(b"10.0.0.6", b"10.0.0.9"),
        dump(example()).replace(b"3f2a9c1", b"0000000", 1),
        _edited(format="another program's"),
        _edited(format_version=3),
        _edited(format_version="1" * 10_000),
        _edited(plan=None),
        _edited(checksum="0" * 32),
    ],
)
def test_a_damaged_edited_or_foreign_file_is_a_clear_error(damaged: bytes) -> None:
    with pytest.raises(SettingsError, match="no usable plan file: ") as caught:
        load(damaged)
    assert caught.value.reason == "PlanFileInvalid"
    assert "write one with `plan --out FILE`" in str(caught.value)
    assert len(str(caught.value)) < 300


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["systems", "revision", "sha", "digest", "target", "provider", "failure"])
    return st.dictionaries(keys, values)


_JSON = st.recursive(
    st.none() | st.text() | st.integers(0, 9), lambda more: st.lists(more) | _objects(more), max_leaves=20
)


@given(_JSON)
def test_a_file_with_a_right_checksum_and_nonsense_inside_is_a_clear_error(content: Any) -> None:
    with pytest.raises(ArgosError):
        load(_edited(plan=content, checksum=digest_of(content)))
