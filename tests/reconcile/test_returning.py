"""A resource that fails goes back alone, stays there until it moves, and everybody is told."""

from pathlib import Path

import pytest

from argos_gitops.manifests.resources import replaced
from argos_gitops.model.change import Cause
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import ArgosError, TransientError
from argos_gitops.model.resource import DERIVED_ANNOTATION, ResourceKey, ResourceSet
from tests.fakes import World, box, thing
from tests.reconcile.bench import Bench, make_bench

ONE = ResourceKey("Thing", "one")
BOX = ResourceKey("Box", "a")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = make_bench(tmp_path, returning=frozenset({"Thing"}))
    bench.source.commit(box(), thing("one", "good"), thing("two", "1"))
    assert bench.apply().result == "Applied"
    bench.world.unwell_values = {"bad", "worse"}
    return bench


def ready(bench: Bench, key: ResourceKey = ONE) -> Condition:
    return next(c for c in bench.statuses.conditions_of(key) if c.type == "Ready")


def fail(bench: Bench) -> None:
    bench.source.commit(box(), thing("one", "bad"), thing("two", "2"))
    result = bench.apply()
    assert result.result == "RolledBack"


def test_it_goes_back_alone_in_the_same_pass(bench: Bench) -> None:
    """The other resource of the revision stays; what was tried and what was done instead are told."""
    fail(bench)
    assert bench.world.values == {"thing/one": "good", "thing/two": "2"}
    told = bench.listener.results[-1]
    assert [outcome.change.object_id for _, outcome in told.outcomes] == [
        "thing/one",
        "thing/two",
        "thing/one",
    ]
    assert {outcome.change.cause for _, outcome in told.outcomes} == {Cause.REVISION}
    assert not [condition for condition in told.conditions if condition.type == "Drifted"]
    assert ready(bench).reason == "RolledBack"
    assert "Unwell: does not answer" in ready(bench).message
    assert "it is back at 0000000" in ready(bench).message
    assert ready(bench, ResourceKey("Thing", "two")).reason == "Applied"


def test_it_stays_back_until_its_own_text_moves(bench: Bench) -> None:
    """Neither another pass, nor a restart, nor a commit elsewhere tries the bad one again."""
    fail(bench)
    writes = bench.writes
    assert bench.apply().result == "RolledBack"
    bench = bench.restarted()
    assert bench.apply().result == "RolledBack"
    assert bench.writes == writes
    bench.source.commit(box(), thing("one", "bad"), thing("two", "3"))
    assert bench.apply().result == "RolledBack"
    assert bench.world.values == {"thing/one": "good", "thing/two": "3"}
    assert ready(bench).reason == "RolledBack"
    bench.source.commit(box(), thing("one", "better"), thing("two", "3"))
    assert bench.apply().result == "Applied"
    assert bench.world.values["thing/one"] == "better"
    assert ready(bench).reason == "Applied"


def test_a_revision_that_was_not_kept_is_not_said_to_be_applied(bench: Bench) -> None:
    good = bench.statuses.revisions()
    fail(bench)
    kept = bench.statuses.revisions()
    assert (kept.attempted, kept.applied, kept.healthy) == (f"{2:040x}", good.applied, good.healthy)
    assert ONE not in bench.listener.results[-1].applied_digests
    assert bench.statuses.targets()[BOX].result == "RolledBack"


def test_drift_of_what_went_back_is_repaired_to_that(bench: Bench) -> None:
    fail(bench)
    bench.world.values["thing/one"] = "somebody"
    bench.apply()
    assert bench.world.values["thing/one"] == "good"


def test_the_next_bad_one_goes_back_to_the_same_good_one(bench: Bench) -> None:
    fail(bench)
    bench.source.commit(box(), thing("one", "worse"), thing("two", "2"))
    assert bench.apply().result == "RolledBack"
    assert bench.world.values["thing/one"] == "good"


def test_one_that_is_back_stays_back_while_another_fails(bench: Bench) -> None:
    """In the pass that brings the second one back, the first is still told, and its bad self not kept."""
    fail(bench)
    bench.source.commit(box(), thing("one", "bad"), thing("two", "worse"))
    assert bench.apply().result == "RolledBack"
    assert bench.world.values == {"thing/one": "good", "thing/two": "2"}
    two = ResourceKey("Thing", "two")
    assert [ready(bench).reason, ready(bench, two).reason] == ["RolledBack", "RolledBack"]
    bench = bench.restarted()
    bench.apply()
    assert bench.world.values == {"thing/one": "good", "thing/two": "2"}


def test_the_first_revision_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    """It stays as it is, and is told as what it is."""
    bench = make_bench(tmp_path, returning=frozenset({"Thing"}))
    bench.world.unwell_values = {"bad"}
    bench.source.commit(box(), thing("one", "bad"))
    bench.apply()
    assert bench.world.values == {"thing/one": "bad"}
    assert ready(bench).reason == "Unwell"


def test_drift_that_cannot_be_repaired_is_no_reason_to_go_back(bench: Bench) -> None:
    """The revision is the one that was healthy; only the world is not."""
    bench.world.values["thing/one"] = "somebody"
    bench.world.unwell = {"one"}
    bench.apply()
    assert ready(bench).reason == "Unwell"


@pytest.mark.parametrize("error", [TransientError("gone for now", reason="Unreachable"), ArgosError("no")])
def test_only_what_the_revision_did_counts(bench: Bench, error: ArgosError) -> None:
    """A system that is lost on the way says nothing of the revision; one that refuses it does."""

    def lost(world: World) -> None:
        raise error

    bench.world.before_apply = lost
    bench.source.commit(box(), thing("one", "next"), thing("two", "1"))
    bench.apply()
    bench.world.before_apply = None
    bench.apply()
    back = not isinstance(error, TransientError)
    assert bench.world.values["thing/one"] == ("good" if back else "next")


def test_what_may_pass_by_itself_is_tried_again(bench: Bench) -> None:
    """It is not ready, and no reason to go back; the one beside it is applied and told so."""
    bench.world.passing = {"thing/one"}
    bench.source.commit(box(), thing("one", "next"), thing("two", "2"))
    assert bench.apply().result == "Failed"
    told = bench.listener.results[-1].outcomes
    assert [outcome.reason for _, outcome in told] == ["NotNow", ""]
    assert bench.world.values == {"thing/one": "good", "thing/two": "2"}
    bench.world.passing = set()
    bench.apply()
    assert bench.world.values["thing/one"] == "next"


def test_removing_it_from_git_removes_it(bench: Bench) -> None:
    fail(bench)
    bench.source.commit(box(), thing("two", "2"), thing("three", "3"), thing("four", "4"))
    bench.apply()
    assert set(bench.world.values) == {"thing/two", "thing/three", "thing/four"}


def test_other_kinds_never_go_back_alone(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.source.commit(box(), thing("one", "good"))
    bench.apply()
    bench.world.unwell_values = {"bad"}
    bench.source.commit(box(), thing("one", "bad"))
    bench.apply()
    assert bench.world.values == {"thing/one": "bad"}


def test_what_follows_from_it_goes_back_with_it(tmp_path: Path) -> None:
    """As a Host does that its labels ask for, on another target; one that would not be valid stays."""
    valid = True

    def follow(resources: ResourceSet) -> ResourceSet | None:
        one = resources.get(ONE)
        if one is None or not valid:
            return None
        derived = thing("shadow", one.spec.value, {DERIVED_ANNOTATION: "Thing/one"}, inside="b")  # type: ignore[attr-defined]
        return replaced(resources, {derived.key: derived})

    worlds = {"a": World(unwell_values={"bad"}), "b": World()}
    bench = make_bench(tmp_path, worlds=worlds, returning=frozenset({"Thing"}), follow=follow)
    for value in ("good", "bad"):
        shadow = thing("shadow", value, {DERIVED_ANNOTATION: "Thing/one"}, inside="b")
        bench.source.commit(box("a"), box("b"), thing("one", value), shadow)
        bench.apply()
        assert worlds["b"].values == {"thing/shadow": "good"}
    valid = False
    bench.apply()
    assert worlds["a"].values == {"thing/one": "good"}
    assert worlds["b"].values == {"thing/shadow": "bad"}
