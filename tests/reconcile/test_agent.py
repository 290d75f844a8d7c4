"""The running agent over toy worlds: what makes it look, and what it does on its own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError, TransientError
from argos_gitops.model.plan import Plan
from argos_gitops.model.problem import Location, Problem
from argos_gitops.ports.control import AGENT, Pin, Suspension
from argos_gitops.supervision.backoff import Backoff
from tests.fakes import START, FakeSnapshot, World, box, resource, thing
from tests.reconcile.bench import Bench, make_bench
from tests.reconcile.crews import A, B, Running, agent_spec, running

UNREACHABLE = TransientError("does not answer")


@pytest.fixture
def two(tmp_path: Path) -> Bench:
    return make_bench(tmp_path, worlds={"a": World(), "b": World()})


@pytest.fixture
def run(bench: Bench, tmp_path: Path) -> Iterator[Running]:
    bench.source.commit(agent_spec(), box(), thing("one", "1"))
    with running(bench, tmp_path) as found:
        found.until(lambda: bench.world.values)
        yield found


def _start(bench: Bench, folder: Path, **options: object) -> AbstractContextManager[Running]:
    return running(bench, folder, **options)


def test_a_push_is_applied_and_its_lag_told(run: Running) -> None:
    run.push(agent_spec(), box(), thing("one", "2"))
    run.until(lambda: run.bench.world.values == {"thing/one": "2"})
    run.until(lambda: len(run.lags) == 2)
    assert all(lag < 30 for lag in run.lags)


def test_an_idle_agent_passes_and_writes_nothing(run: Running) -> None:
    """What asks it to look again and again is answered by one pass each at most, and no write."""
    run.until(lambda: run.passed)
    for _ in range(50):
        run.agent.look_everywhere()
    run.until(lambda: run.state("source") == "ok")
    assert run.bench.writes == 1


def test_fm12_runs_coalesce(run: Running) -> None:
    """A storm of reasons to look is one look, and one more for what came during it."""
    fetched: list[int] = []
    fetch = run.bench.source.fetch

    def counted(rev: str | None = None) -> FakeSnapshot:
        fetched.append(1)
        return fetch(rev)

    run.bench.source.fetch = counted  # type: ignore[method-assign]
    run.bench.source.commit(agent_spec(), box(), thing("one", "9"))
    for _ in range(1000):
        run.agent.look()
    run.until(lambda: run.bench.world.values == {"thing/one": "9"})
    run.until(lambda: run.state("source") == "ok")
    assert 1 <= len(fetched) <= 2


def test_drift_is_seen_by_a_watch_and_repaired(bench: Bench, tmp_path: Path) -> None:
    """Nobody asks for a look: the watch of the system notices what the world did."""
    quick = agent_spec(drift={"intervals": {"toy": "1s"}})
    bench.source.commit(quick, box(), thing("one", "1"))
    with _start(bench, tmp_path) as run:
        run.until(lambda: bench.world.values)
        bench.world.values["thing/one"] = "changed by somebody"
        run.until(lambda: bench.world.values == {"thing/one": "1"})


def test_a_target_in_trouble_delays_no_other(two: Bench, tmp_path: Path) -> None:
    """One box does not answer and is tried again; the other follows every revision meanwhile."""
    two.worlds["a"].unreachable = UNREACHABLE
    two.source.commit(
        agent_spec(), box("a"), box("b"), thing("x", "1", inside="a"), thing("y", "1", inside="b")
    )
    with _start(two, tmp_path) as run:
        run.until(lambda: two.worlds["b"].values == {"thing/y": "1"})
        run.push(agent_spec(), box("a"), box("b"), thing("x", "2", inside="a"), thing("y", "2", inside="b"))
        run.until(lambda: two.worlds["b"].values == {"thing/y": "2"})
        run.until(lambda: run.state("Box/a") == "failing")
        assert two.statuses.targets()[A].result == "Unreachable"
        two.worlds["a"].unreachable = None
        run.agent.look_everywhere()
        run.until(lambda: two.worlds["a"].values == {"thing/x": "2"})
        run.until(lambda: two.statuses.revisions().applied == f"{2:040x}")


def test_fm08_a_good_revision_supersedes_a_failing_one(run: Running) -> None:
    """The failing one waits in its backoff; the good one does not wait for that."""
    run.bench.world.unreachable = UNREACHABLE
    run.push(agent_spec(), box(), thing("one", "bad"))
    run.until(lambda: run.state("Box/a") == "failing")
    run.bench.world.unreachable = None
    run.push(agent_spec(), box(), thing("one", "good"))
    run.until(lambda: run.bench.world.values == {"thing/one": "good"})


def test_fm08_a_failed_revision_is_tried_again_when_the_cause_clears(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a push and without anybody asking."""
    monkeypatch.setattr(Backoff, "longest", START.resolution)
    bench.world.unreachable = UNREACHABLE
    bench.source.commit(agent_spec(), box(), thing("one", "1"))
    with _start(bench, tmp_path) as run:
        run.until(lambda: run.state("Box/a") == "failing")
        bench.world.unreachable = None
        run.agent.look_everywhere()
        run.until(lambda: bench.world.values == {"thing/one": "1"})


def test_fm18_a_rejected_revision_leaves_the_last_good_one_in_force(bench: Bench, tmp_path: Path) -> None:
    """Drift is still repaired to it, and everybody is told that the newest was rejected."""
    quick = agent_spec(drift={"intervals": {"toy": "1s"}})
    bench.source.commit(quick, box(), thing("one", "1"))
    with _start(bench, tmp_path) as run:
        run.until(lambda: bench.world.values)
        bench.source.problems = [Problem(Location("a.yaml", 1), "UnknownField", "nonsense")]
        run.push(quick, box(), thing("one", "never"))
        run.until(lambda: run.state("source") == "failing")
        bench.world.values.clear()
        run.until(lambda: bench.world.values == {"thing/one": "1"})
        run.until(lambda: bench.listener.results[-1].result == "InvalidConfiguration")
        assert bench.listener.results[-1].problems
        bench.source.problems = []
        run.agent.look()
        run.until(lambda: bench.world.values == {"thing/one": "never"})
        run.until(lambda: bench.listener.results[-1].result in ("Applied", "NoChange"))


def test_fm23_an_outage_ends_without_anybodys_help(run: Running) -> None:
    """The git server is away for a while; once it is back, the next look goes on."""
    run.bench.source.error = SourceError("the git server does not answer")
    run.agent.look()
    run.until(lambda: run.state("source") == "failing")
    run.bench.source.error = None
    run.bench.source.commit(agent_spec(), box(), thing("one", "after"))
    run.until(lambda: run.bench.world.values == {"thing/one": "after"})


def test_fm01_a_restart_during_an_outage_writes_nothing(bench: Bench, tmp_path: Path) -> None:
    """Without a revision to go by there is nothing to make equal."""
    bench.source.error = SourceError("the git server does not answer")
    bench.world.values["thing/of somebody"] = "x"
    with _start(bench, tmp_path) as run:
        run.until(lambda: run.state("source") == "failing")
        assert bench.writes == 0


def test_fm21_a_dependent_waits_for_the_same_revision(two: Bench, tmp_path: Path) -> None:
    """B is ready at the old revision; it follows the new one only after A has become ready at it."""
    dependent = resource("Box", "b", box("b").spec, annotations={"argos.dev/dependsOn": "Box/a"})

    def commit(value: str) -> list[object]:
        things = [thing("x", value, inside="a"), thing("y", value, inside="b")]
        return [agent_spec(), box("a"), dependent, *things]

    two.source.commit(*commit("1"))  # type: ignore[arg-type] # resources
    with _start(two, tmp_path) as run:
        run.until(lambda: two.worlds["b"].values == {"thing/y": "1"})
        two.worlds["a"].unwell = {"x"}
        run.push(*commit("2"))  # type: ignore[arg-type]
        run.until(lambda: two.worlds["a"].values == {"thing/x": "2"})
        run.until(lambda: run.state("Box/b") == "waiting")
        assert two.worlds["b"].values == {"thing/y": "1"}
        two.worlds["a"].unwell = set()
        run.agent.look_everywhere()
        run.until(lambda: two.worlds["b"].values == {"thing/y": "2"})
    assert two.statuses.targets()[B].applied == f"{2:040x}"


def test_a_revision_that_fails_its_probes_is_gone_back_from(bench: Bench, tmp_path: Path) -> None:
    """The last healthy one stands again, everybody is told, and it stays until git moves."""
    spec = agent_spec(rollback="automatic")
    bench.source.commit(spec, box(), thing("one", "good"))
    with _start(bench, tmp_path) as run:
        run.until(lambda: bench.statuses.revisions().healthy == f"{1:040x}")
        bench.world.unwell_values = {"bad"}
        run.push(spec, box(), thing("one", "bad"))
        run.until(lambda: run.result(A) == "RolledBack")
        assert bench.world.values == {"thing/one": "good"}
        run.until(lambda: bench.listener.results[-1].result == "RolledBack")
        run.agent.look_everywhere()
        run.until(lambda: run.state("source") == "ok")
        assert bench.world.values == {"thing/one": "good"}
    assert bench.statuses.revisions().attempted == f"{2:040x}"
    with running(bench.restarted(), tmp_path) as again:  # nor does a restart try it again
        again.until(lambda: again.passed)
        assert bench.world.values == {"thing/one": "good"}
        again.push(spec, box(), thing("one", "better"))
        again.until(lambda: bench.world.values == {"thing/one": "better"})
        again.until(lambda: bench.statuses.targets()[A].held is None)


def test_a_suspended_agent_looks_but_writes_nothing(run: Running) -> None:
    run.controls.suspend(Suspension(AGENT, "user/ann", START, "night"))
    run.push(agent_spec(), box(), thing("one", "2"))
    run.until(lambda: any(each.revision and each.revision.sha == f"{2:040x}" for each in run.passed))
    assert run.bench.world.values == {"thing/one": "1"}
    run.controls.resume(AGENT)
    run.until(lambda: run.bench.world.values == {"thing/one": "2"})


def test_a_pinned_revision_is_followed_until_it_is_lifted(run: Running) -> None:
    old = run.bench.source.number
    run.push(agent_spec(), box(), thing("one", "2"))
    run.until(lambda: run.bench.world.values == {"thing/one": "2"})
    run.controls.set_pin(Pin(f"{old:040x}", "user/ann", START))
    run.until(lambda: run.bench.world.values == {"thing/one": "1"})
    run.controls.set_pin(None)
    run.until(lambda: run.bench.world.values == {"thing/one": "2"})


def _blocked(bench: Bench) -> list[Plan]:
    """The blocked plans that were told so far; what a pass tells, it has kept before."""
    return [each.plan for each in bench.listener.results if each.plan is not None and each.plan.blocked]


def test_fm02_a_blocked_plan_goes_on_once_its_digest_is_approved(run: Running) -> None:
    """An emptied repository writes nothing until somebody approves just that plan."""
    run.push(agent_spec(), box())
    run.until(lambda: _blocked(run.bench))
    assert run.bench.world.values == {"thing/one": "1"}
    run.controls.approve(_blocked(run.bench)[-1].digest, "user/ann", START)
    run.until(lambda: run.bench.world.values == {})


def test_a_request_is_answered_by_source_and_target(run: Running) -> None:
    number = run.controls.request_sync("user/ann", START)
    run.until(lambda: run.bench.statuses.source().synced == number)
    run.until(lambda: run.state_of(A).synced == number)


@pytest.mark.slow
def test_no_request_is_lost_whatever_happens_beside_it(run: Running) -> None:
    """Each comes at the worst moment: with a new revision that wakes the worker just before."""
    for round_ in range(40):
        run.push(agent_spec(), box(), thing("one", f"value {round_}"))
        number = run.controls.request_sync("user/ann", START)
        run.until(lambda n=number: run.state_of(A).synced >= n)  # type: ignore[misc]
    assert run.bench.world.values == {"thing/one": "value 39"}


def test_a_target_that_left_git_is_emptied_with_approval_and_forgotten(two: Bench, tmp_path: Path) -> None:
    two.source.commit(
        agent_spec(), box("a"), box("b"), thing("x", "1", inside="a"), thing("y", "1", inside="b")
    )
    with _start(two, tmp_path) as run:
        run.until(lambda: two.statuses.revisions().applied == f"{1:040x}")
        run.push(agent_spec(), box("a"), thing("x", "1", inside="a"))
        run.until(lambda: _blocked(two))
        run.controls.approve(_blocked(two)[-1].digest, "user/ann", START)
        run.until(lambda: two.worlds["b"].values == {})
        run.until(lambda: not any(key.target == B for key in two.inventory.systems()))


def test_only_the_named_targets_are_worked_on(two: Bench, tmp_path: Path) -> None:
    two.source.commit(
        agent_spec(), box("a"), box("b"), thing("x", "1", inside="a"), thing("y", "1", inside="b")
    )
    with _start(two, tmp_path, only=["Box/b"]) as run:
        run.until(lambda: two.worlds["b"].values)
        run.until(lambda: run.state("Box/b") == "ok")
        assert two.worlds["a"].values == {}


def test_the_agent_tells_how_it_is(run: Running) -> None:
    """The description in the store names every part."""
    run.until(lambda: _seen(run) >= {"source", "Box/a"})


def _seen(run: Running) -> set[str]:
    from sqlalchemy import create_engine

    from argos_gitops.store.replicas import SqlReplicas

    engine = create_engine(f"sqlite:///{run.bench.folder / 'state.db'}")
    try:
        return {part.name for replica in SqlReplicas(engine, "test").all() for part in replica.subsystems}
    finally:
        engine.dispose()
