"""The pass over a toy world: what is written, what is refused, what is reported."""

from pathlib import Path

import pytest

from argos_gitops.model.change import Cause
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import (
    ArgosError,
    ManifestError,
    SourceError,
    StalePlanError,
    TransientError,
    UnsafePlanError,
)
from argos_gitops.model.problem import Location, Problem
from argos_gitops.reconcile.parts import Approval
from tests.fakes import World, box, thing
from tests.reconcile.bench import Bench, make_bench


def test_applies_and_settles(bench: Bench) -> None:
    """A first pass writes what git holds; the next finds nothing to do."""
    bench.source.commit(box(), thing("one", "1"), thing("two", "2"))
    first = bench.apply()
    assert (first.result, bench.world.values) == ("Applied", {"thing/one": "1", "thing/two": "2"})
    assert bench.apply().result == "NoChange"
    assert bench.writes == 2


def test_fm05_idle_passes_write_and_report_nothing(bench: Bench) -> None:
    """100 passes without a change: no write, and no reporter is told again."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.apply()
    told, written = len(bench.listener.results), bench.writes
    for _ in range(100):
        assert bench.apply().result == "NoChange"
    assert (len(bench.listener.results), bench.writes) == (told, written)


def test_an_idle_pass_compiles_nothing(bench: Bench) -> None:
    """The memo of convergence spares compile and diff, also in a new process."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    again = bench.restarted()
    again.apply()
    look = again.reconciler.plan().looks[0]
    assert look.converged is not None
    assert look.objects is None


def test_fm01_a_failed_fetch_writes_nothing(bench: Bench) -> None:
    """A git outage is no empty repository: no write, the applied revision stays, the error is told."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.source.error = SourceError("the git server does not answer")
    with pytest.raises(SourceError):
        bench.apply()
    assert bench.world.values == {"thing/one": "1"}
    assert bench.listener.results[-1].result == "SourceError"
    assert bench.statuses.revisions().applied == bench.listener.results[0].revision.sha  # type: ignore[union-attr]


def test_fm02_an_empty_repository_is_refused_unless_approved(bench: Bench) -> None:
    """The plan lists the deletes, apply refuses, and only the digest of that plan lets it through."""
    bench.source.commit(box(), *(thing(f"t{number}", "1") for number in range(3)))
    bench.apply()
    bench.source.commit()
    plan = bench.plan()
    assert len(list(plan.changes())) == 3
    with pytest.raises(UnsafePlanError):
        bench.apply()
    assert len(bench.world.values) == 3
    assert bench.approve(plan.digest).result == "Applied"
    assert bench.world.values == {}
    assert bench.inventory.systems() == {}
    assert bench.plan().empty


def test_fm04_a_wrong_pin_is_never_applied(bench: Bench) -> None:
    """A pin that is wrong or cannot be verified fails, even where nothing is blocked or to do."""
    bench.source.commit(box(), thing("one", "1"))
    for pin in ("deadbeef", "deadbeef" * 4, "", "not a digest"):
        with pytest.raises((UnsafePlanError, StalePlanError)):
            bench.approve(pin)
    assert bench.writes == 0
    bench.apply()
    with pytest.raises((UnsafePlanError, StalePlanError)):
        bench.approve("deadbeef" * 4)


def test_fm08_a_good_revision_follows_a_bad_one(bench: Bench) -> None:
    """A rejected revision blocks nothing: the next good one is applied at once."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.source.commit(box(), thing("one", "2"))
    bench.source.problems = [Problem(Location("bad.yaml", 1, 1), "X000", "is bad")]
    with pytest.raises(ManifestError):
        bench.apply()
    assert bench.world.values == {"thing/one": "1"}
    bench.source.problems = []
    assert bench.apply().result == "Applied"


@pytest.mark.parametrize("step", range(4))
def test_fm14_a_failure_at_every_step_converges(tmp_path: Path, step: int) -> None:
    """What was done is recorded, what failed is named, what was not tried is skipped; then it converges."""
    bench = make_bench(tmp_path)
    bench.source.commit(box(), *(thing(f"t{number}", "1") for number in range(4)))
    bench.world.fail_at = step
    result = bench.apply()
    states = [str(outcome.result) for _, outcome in result.outcomes]
    assert states == ["done"] * step + ["failed"] + ["skipped"] * (3 - step)
    assert result.result == "Failed"
    bench.world.fail_at = None
    assert bench.restarted().apply().result == "Applied"
    assert len(bench.world.values) == bench.writes == 4


def test_fm15_a_lock_that_lives_refuses_and_a_dead_one_does_not(bench: Bench) -> None:
    """Two agents never both apply; the second is told who holds the lock."""
    bench.source.commit(box(), thing("one", "1"))
    other = bench.restarted()

    def approve_while_held(plan: object) -> Approval:
        with pytest.raises(TransientError, match="held by process") as held:
            other.apply()
        assert held.value.reason == "Locked"
        return Approval(True)

    assert bench.apply(approve_while_held).result == "Applied"
    assert other.apply().result == "NoChange"


def test_fm16_a_plan_that_a_person_saw_is_not_replaced(bench: Bench) -> None:
    """When the world moves after the approval of one plan, another plan is never applied in its name."""
    bench.source.commit(box(), thing("one", "1"), thing("two", "2"))
    bench.apply()
    bench.source.commit(box(), thing("one", "new"), thing("two", "2"))

    def move(world: World) -> None:
        world.before_apply = None
        world.values["thing/two"] = "elsewhere"

    bench.world.before_apply = move
    with pytest.raises(StalePlanError):
        bench.apply(lambda plan: Approval(True, only_this_plan=True))
    assert bench.world.values["thing/one"] == "1"


def test_fm17_a_moved_world_is_planned_again(bench: Bench) -> None:
    """Where nobody has to be asked, a concurrent edit leads to a new look, not to an overwrite."""
    bench.source.commit(box(), thing("one", "0"))
    bench.apply()
    bench.source.commit(box(), thing("one", "1"))

    def move(world: World) -> None:
        world.before_apply = None
        world.values["thing/stranger"] = "x"

    bench.world.before_apply = move
    result = bench.apply()
    assert result.result == "Applied"
    assert bench.world.values == {"thing/one": "1"}


def test_a_world_that_never_stands_still_ends_the_pass(bench: Bench) -> None:
    """The pass gives up after some attempts and writes nothing."""
    bench.source.commit(box(), thing("one", "0"))
    bench.apply()
    bench.source.commit(box(), thing("one", "1"))
    bench.world.before_apply = lambda world: world.values.update(
        clock=str(len(world.values)) + world.values.get("clock", "")
    )
    with pytest.raises(StalePlanError, match="kept moving"):
        bench.apply()
    assert bench.world.values["thing/one"] == "0"


def test_what_others_made_is_not_removed_by_a_first_apply(bench: Bench) -> None:
    """Taking over a system that somebody set up by hand needs an approval, be it for one object."""
    bench.world.values["thing/stranger"] = "x"
    bench.source.commit(box(), thing("one", "1"))
    with pytest.raises(UnsafePlanError, match="others made"):
        bench.apply()
    assert bench.world.values == {"thing/stranger": "x"}
    bench.approve(bench.plan().digest)
    assert bench.world.values == {"thing/one": "1"}


def test_an_unreachable_target_stops_no_other(tmp_path: Path) -> None:
    """One box does not answer: the other is applied, and the status says which is which."""
    bench = make_bench(tmp_path, worlds={"a": World(), "b": World(unreachable=TransientError("no answer"))})
    bench.source.commit(box("a"), box("b"), thing("one", "1"), thing("two", "2", inside="b"))
    result = bench.apply()
    assert result.result == "Unreachable"
    assert bench.worlds["a"].values == {"thing/one": "1"}
    ready = {str(c.subject): (c.status, c.reason) for c in result.conditions if c.type == "Ready"}
    assert ready["Box/a"] == (Truth.TRUE, "Applied")
    assert ready["Box/b"] == (Truth.FALSE, "Unreachable")
    assert bench.statuses.revisions().applied is None


def test_drift_is_told_apart_and_repaired(bench: Bench) -> None:
    """What the world changed is drift, not a pending change; it is repaired and dated."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.world.values["thing/one"] = "by hand"
    (change,) = (change for _, change in bench.plan().changes())
    assert change.cause is Cause.DRIFT
    result = bench.apply()
    assert bench.world.values == {"thing/one": "1"}
    assert ("Drifted", "Repaired") in {(c.type, c.reason) for c in result.conditions}


def test_what_is_not_ready_is_looked_at_again_in_every_pass(bench: Bench) -> None:
    """A host that does not answer stays not ready although nothing changes, until it answers."""
    bench.source.commit(box(), thing("one", "1"))
    bench.world.unwell = {"one"}
    for _ in range(3):
        bench.apply()
        ready = {str(c.subject): c.reason for c in bench.statuses.conditions() if c.type == "Ready"}
        assert ready["Thing/one"] == "Unwell"
    assert bench.statuses.revisions().healthy is None
    bench.world.unwell = set()
    bench.apply()
    ready = {str(c.subject): c.reason for c in bench.statuses.conditions() if c.type == "Ready"}
    assert ready["Thing/one"] == "Applied"
    assert bench.statuses.revisions().healthy == bench.statuses.revisions().applied


def test_a_lock_out_is_blocked(bench: Bench) -> None:
    """The provider's hazards block the whole plan."""
    bench.source.commit(box(), thing("one", "lockout"))
    with pytest.raises(UnsafePlanError, match="lock-out"):
        bench.apply()
    assert bench.listener.results[-1].result == "Blocked"
    assert bench.writes == 0


def test_a_removed_target_is_still_planned(bench: Bench) -> None:
    """A target that left git is remembered, so its objects show up as deletes and the guard blocks."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.source.commit()
    assert [change.object_id for _, change in bench.restarted().plan().changes()] == ["thing/one"]


def test_a_lost_inventory_heals_without_a_write(bench: Bench, tmp_path: Path) -> None:
    """The deleted database is survivable: what stands is taken into the new one, nothing is written."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    (tmp_path / "new").mkdir()
    fresh = make_bench(tmp_path / "new", bench.source, bench.worlds)
    assert fresh.apply().result == "NoChange"
    assert bench.writes == 1
    system = next(iter(fresh.reconciler.plan().looks)).system.key
    assert set(fresh.inventory.entries(system)) == {"thing/one"}


def test_suspended_and_protected_are_left_alone(bench: Bench) -> None:
    """Suspension stops every change of a resource; prune protection lets its object outlive it."""
    keep = {"argos.dev/prune": "disabled"}
    bench.source.commit(box(), thing("kept", "1", keep), thing("other", "1"))
    bench.apply()
    bench.source.commit(box(), thing("other", "2", {"argos.dev/suspend": "true"}))
    bench.apply()
    assert bench.world.values == {"thing/kept": "1", "thing/other": "1"}


def test_a_reporter_that_fails_is_asked_again(bench: Bench) -> None:
    """A status that could not be told is told by the next pass, although nothing changed."""
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.listener.error = ArgosError("no push")
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    bench.listener.error = None
    told = len(bench.listener.results)
    bench.apply()
    assert len(bench.listener.results) == told + 1


def test_declined_writes_nothing(bench: Bench) -> None:
    bench.source.commit(box(), thing("one", "1"))
    assert bench.apply(lambda plan: Approval(False)).result == "Declined"
    assert bench.writes == 0
