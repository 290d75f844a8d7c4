"""Result, readiness and state after a pass: computed once, from what is true after its changes."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import pytest

from argos_gitops.cli.errors import Exit, exit_code_of_state
from argos_gitops.model.condition import Condition, Truth, readiness
from argos_gitops.model.errors import TransientError, UnsafePlanError
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.summary import verdict
from argos_gitops.ports.control import Orders, Suspension
from argos_gitops.ports.report import PassResult, state_of
from argos_gitops.reconcile.standing import stored_state
from argos_gitops.status.memory import NOTHING
from argos_gitops.status.overview import overview
from argos_gitops.status.pages import readme
from argos_gitops.store.audit_report import entries_of
from tests.fakes import START, World, box, thing
from tests.reconcile.bench import Bench, make_bench

ONE, TWO = ResourceKey("Thing", "one"), ResourceKey("Thing", "two")
BOX = ResourceKey("Box", "a")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


def reasons(result: PassResult) -> dict[ResourceKey, str]:
    return {each.subject: each.reason for each in result.conditions if each.type == "Ready"}


def stored(bench: Bench) -> str:
    statuses = bench.statuses
    return stored_state(statuses.source(), statuses.targets(), statuses.conditions())


def test_an_approved_plan_is_not_blocked_once_it_was_applied(bench: Bench) -> None:
    things = [thing(name, "1") for name in ("one", "two", "three", "four")]
    bench.source.commit(box(), *things)
    bench.apply()
    bench.source.commit(box(), things[0])
    with pytest.raises(UnsafePlanError):
        bench.apply()
    assert bench.listener.results[-1].state == stored(bench) == "Blocked"
    result = bench.approve(bench.plan().digest)
    assert reasons(result) == {BOX: "Applied", ONE: "Applied"}
    assert result.state == stored(bench) == "Synced"
    assert exit_code_of_state(result.state) == Exit.OK


def test_a_system_that_is_lost_after_its_changes_is_not_applied(bench: Bench) -> None:
    """The look after the changes fails, so nobody can say what stands there."""

    def lose(world: World) -> None:
        world.unreachable = TransientError("it is gone", reason="Unreachable")

    bench.source.commit(box(), thing("one", "1"))
    bench.world.before_apply = lose
    result = bench.apply()
    assert (result.result, result.message) == ("Unreachable", "it is gone")
    assert reasons(result)[BOX] == "Unreachable"
    assert exit_code_of_state(result.state) == Exit.UNREACHABLE
    assert stored(bench) == "Unreachable"


def test_what_cannot_be_worked_out_is_not_nothing_to_do(bench: Bench) -> None:
    """The plan lacks it, and so neither plan nor pass is called complete."""
    bench.source.commit(box(), thing("one", "1"))
    bench.world.notices = [Failure("ComposeFailed", "no service is known", TWO, unplanned=True)]
    assert "1 resource could not be worked out." in verdict(bench.plan())
    result = bench.apply()
    assert (result.result, result.message) == ("Failed", "no service is known")
    assert reasons(result)[TWO] == "ComposeFailed"
    assert bench.world.values == {"thing/one": "1"}
    assert exit_code_of_state(result.state) == Exit.FAILURE
    assert stored(bench) == result.state
    assert bench.apply().result == "Failed"


def test_what_a_change_mends_is_not_told_as_amiss_after_it(bench: Bench) -> None:
    """A notice of the look before the changes says nothing about the target after them."""

    def mend(world: World) -> None:
        world.notices = ()

    bench.source.commit(box(), thing("one", "1"))
    bench.world.notices = [Failure("Incomplete", "something is missing")]
    bench.world.before_apply = mend
    assert not [each for each in bench.apply().conditions if each.type == "Degraded"]


def test_a_change_that_leaves_its_resource_failing_is_no_success(bench: Bench) -> None:
    """Page, command line and exit code say the same, with the same counts."""
    bench.source.commit(box(), thing("one", "1"), thing("two", "1"))
    bench.world.unwell.add("one")
    result = bench.apply()
    assert (result.result, result.state, stored(bench)) == ("Applied", "NotReady", "NotReady")
    assert exit_code_of_state(result.state) == Exit.FAILURE
    assert str(result.readiness) == str(readiness(bench.statuses.conditions())) == "2 of 3 ready, 1 not ready"
    page = readme(overview("test", result, NOTHING), NOTHING).decode()
    assert "**NotReady**" in page
    assert "2 of 3 ready, 1 not ready" in page
    bench.world.unwell.clear()
    assert (bench.apply().state, stored(bench)) == ("Synced", "Synced")


def test_what_fails_without_a_change_is_seen_by_the_next_pass(bench: Bench) -> None:
    """Nothing changed and everything was ready; the same holds for a pass that compares nothing."""
    bench.source.commit(box(), thing("one", "1"), thing("two", "1"))
    bench.apply()
    assert bench.apply().state == "Synced"
    bench.world.unwell = {"two"}
    result = bench.apply()
    assert (result.state, stored(bench)) == ("NotReady", "NotReady")
    assert reasons(result)[TWO] == "Unwell"
    assert bench.apply().state == "NotReady"
    bench.world.unwell = set()
    assert (bench.apply().state, stored(bench)) == ("Synced", "Synced")


def test_what_there_was_no_time_to_ask_for_stays_as_it_was_seen(bench: Bench) -> None:
    """Neither ready nor forgotten; and what is new is not known to be well."""
    bench.source.commit(box(), thing("one", "1"), thing("two", "1"))
    bench.world.unwell = {"one"}
    bench.apply()
    bench.world.busy = True
    bench.source.commit(box(), thing("one", "1"), thing("two", "2"))
    result = bench.apply()
    assert reasons(result)[ONE] == "Unwell"
    assert reasons(result)[TWO] == "Unproven"
    bench.world.busy = False
    assert reasons(bench.apply()) == {BOX: "Applied", ONE: "Unwell", TWO: "Applied"}


@dataclass
class _Ordered:
    """What people ask for during a test."""

    orders: Orders = field(default_factory=Orders)

    def __call__(self, _: object) -> Orders:
        return self.orders


def test_suspending_what_fails_makes_no_revision_healthy(tmp_path: Path) -> None:
    """`rollback: automatic` must never go back to a revision of which something was failing."""
    ordered = _Ordered()
    bench = make_bench(tmp_path, orders=ordered)
    bench.source.commit(box(), thing("one", "1"))
    bench.apply()
    good = bench.statuses.revisions().healthy
    bench.source.commit(box(), thing("one", "2"), thing("two", "2"))
    bench.world.unwell.add("one")
    bench.apply()
    ordered.orders = Orders((Suspension("Thing/one", "user/ann", START, "later"),))
    for _ in range(3):
        result = bench.apply()
        assert bench.statuses.revisions().healthy == good
        assert bench.statuses.targets()[BOX].healthy == good
        told = next(each for each in result.conditions if each.subject == ONE and each.type == "Ready")
        assert (told.status, told.reason) == (Truth.FALSE, "Suspended")
        assert "when last seen it was not ready (Unwell: does not answer)" in told.message
        assert result.state == "NotReady"


def test_suspending_what_is_well_keeps_its_revision_healthy(tmp_path: Path) -> None:
    ordered = _Ordered()
    bench = make_bench(tmp_path, orders=ordered)
    bench.source.commit(box(), thing("one", "1"), thing("two", "1"))
    bench.apply()
    ordered.orders = Orders((Suspension("Thing/one", "user/ann", START, ""),))
    bench.source.commit(box(), thing("one", "1"), thing("two", "2"))
    result = bench.apply()
    assert reasons(result)[ONE] == "Suspended"
    assert bench.statuses.revisions().healthy == result.revision.sha  # type: ignore[union-attr]


def test_what_waits_is_neither_done_nor_failed(tmp_path: Path) -> None:
    """Changes are pending: the exit code of that, and no failure in the audit log."""
    ordered = _Ordered(Orders((Suspension("Thing/one", "user/ann", START, ""),)))
    bench = make_bench(tmp_path, orders=ordered)
    bench.source.commit(box(), thing("one", "1"))
    result = bench.apply()
    assert (result.result, result.state, stored(bench)) == ("Waiting", "Waiting", "Waiting")
    assert exit_code_of_state(result.state) == Exit.CHANGES_PENDING
    assert list(entries_of(result, "agent/test")) == []


def test_what_went_back_is_told_with_the_revision_that_it_went_back_to(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, returning=frozenset({"Thing"}))
    bench.source.commit(box(), thing("one", "good"), thing("two", "1"))
    bench.apply()
    bench.world.unwell_values = {"bad"}
    bench.source.commit(box(), thing("one", "bad"), thing("two", "2"))
    bench.apply()
    (system,) = bench.inventory.systems()
    found = {key: entry.revision for key, entry in bench.inventory.entries(system).items()}
    assert found == {"thing/one": f"{1:040x}", "thing/two": f"{2:040x}"}


class _UntilWritten(set[str]):
    """Holds every name until `written` is set, and tells when it was asked for the first time."""

    def __init__(self) -> None:
        self.asked, self.written = Event(), Event()

    def __contains__(self, name: object) -> bool:
        self.asked.set()
        return not self.written.is_set()


def test_what_waits_for_another_system_is_asked_again_when_that_is_written(tmp_path: Path) -> None:
    """A Host whose containers start in the same pass: its first probe comes too early."""
    unwell = _UntilWritten()
    worlds = {"a": World(unwell=unwell), "b": World()}

    def write(_: World) -> None:
        assert unwell.asked.wait(10)
        unwell.written.set()

    worlds["b"].before_apply = write
    bench = make_bench(tmp_path, worlds=worlds)
    bench.source.commit(box("a"), box("b"), thing("one", "1"), thing("two", "1", inside="b"))
    assert bench.apply().state == "Synced"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("Synced", 0),
        ("Declined", 0),
        ("NotReady", 1),
        ("Failed", 1),
        ("RolledBack", 1),
        ("SourceError", 1),
        ("Waiting", 2),
        ("InvalidConfiguration", 3),
        ("Blocked", 4),
        ("Unreachable", 5),
        ("StalePlan", 6),
    ],
)
def test_each_state_has_one_exit_code(state: str, code: int) -> None:
    assert exit_code_of_state(state) == code


def test_a_failing_resource_hides_no_worse_result() -> None:
    failing = readiness([Condition(ONE, "Ready", Truth.FALSE, "Unwell")])
    assert state_of("Applied", failing) == "NotReady"
    assert state_of("Blocked", failing) == "Blocked"
    assert state_of("NoChange", replace(failing, unready=())) == "Synced"
