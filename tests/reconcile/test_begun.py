"""What was begun is ours, whether it succeeded or not: whatever is left of it is known to the next plan."""

from pathlib import Path

from argos_gitops.model.change import Action
from tests.fakes import box, thing
from tests.reconcile.bench import make_bench


def test_what_is_left_of_an_attempt_that_failed_is_removed_with_its_resource(tmp_path: Path) -> None:
    """The system holds it although its change failed, as a container that crashes."""
    bench = make_bench(tmp_path)
    bench.world.passing = {"thing/one"}
    bench.world.leaves = True
    bench.source.commit(box(), thing("one", "1"), thing("two", "1"))
    assert bench.apply().result == "Failed"
    assert bench.world.values == {"thing/one": "half", "thing/two": "1"}
    bench.world.passing = set()
    bench.source.commit(box(), thing("two", "1"))
    (change,) = (each for _, each in bench.plan().changes())
    assert (change.action, change.object_id) == (Action.DELETE, "thing/one")
    assert change.note == "is left of an attempt that did not succeed"
    assert bench.apply().result == "Applied"
    assert bench.world.values == {"thing/two": "1"}


def test_what_was_never_made_is_not_remembered(tmp_path: Path) -> None:
    """Should somebody else make it later, it is his."""
    bench = make_bench(tmp_path)
    bench.world.passing = {"thing/one"}
    bench.source.commit(box(), thing("one", "1"))
    assert bench.apply().result == "Failed"
    (system,) = bench.plan().systems
    assert bench.inventory.entries(system.system) == {}
