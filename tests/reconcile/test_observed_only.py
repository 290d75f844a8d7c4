"""A target that only reports: what differs is told in every place, and nothing is ever written there."""

from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.change import Cause
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import TransientError
from argos_gitops.model.plan import NOT_AS_DESIRED, Failure, SystemKey
from argos_gitops.model.resource import DRIFT_ANNOTATION, SUSPEND_ANNOTATION, AnyResource, ResourceKey
from argos_gitops.planning.render.lines import plain
from argos_gitops.planning.render.text import render
from argos_gitops.ports.report import PassResult
from tests.fakes import START, only_reporting, resource, thing
from tests.reconcile.bench import Bench
from tests.reconcile.crews import agent_spec, running

ONE, BOX = ResourceKey("Thing", "one"), ResourceKey("Box", "a")


def of(result: PassResult, kind: str, subject: ResourceKey = ONE) -> Condition | None:
    found = (c for c in result.conditions if (c.subject, c.type) == (subject, kind))
    return next(found, None)


def test_what_was_never_so_waits_for_others(bench: Bench) -> None:
    """Nothing is applied, the pass ends well, and the resource says what is amiss."""
    bench.source.commit(only_reporting(), thing("one", "1"))
    result = bench.apply()
    assert (result.result, result.outcomes, bench.writes) == ("NoChange", [], 0)
    ready, target = of(result, "Ready"), of(result, "Ready", BOX)
    assert ready is not None
    assert target is not None
    assert (ready.status, ready.reason, ready.message) == (
        Truth.FALSE,
        NOT_AS_DESIRED,
        "thing/one is missing",
    )
    assert (target.status, target.reason) == (Truth.TRUE, "AsDesired")


def test_the_revision_counts_as_applied_but_not_as_healthy(bench: Bench) -> None:
    """Whoever depends on the target waits; the instance is not stuck at an old revision."""
    bench.source.commit(only_reporting(), thing("one", "1"))
    state = bench.apply().targets[BOX]
    assert (state.applied, state.healthy) == (f"{1:040x}", None)
    bench.world.values["thing/one"] = "1"
    result = bench.apply()
    assert result.targets[BOX].healthy == f"{1:040x}"
    ready = of(result, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason) == (Truth.TRUE, "AsDesired")


def test_what_was_so_once_drifts_since_it_was_seen(bench: Bench) -> None:
    """The moment stays the same from pass to pass, and nothing counts as flapping."""
    bench.source.commit(only_reporting(), thing("one", "1"))
    bench.world.values["thing/one"] = "1"
    bench.apply()
    bench.world.values["thing/one"] = "2"
    first = of(bench.apply(), "Drifted")
    for _ in range(5):
        again = of(bench.apply(), "Drifted")
    assert first is not None
    assert again is not None
    assert (again.reason, again.since, again.status) == (NOT_AS_DESIRED, first.since, Truth.TRUE)
    ready = of(bench.apply(), "Ready")
    assert ready is not None
    assert ready.message == "thing/one: value is 2, not 1"
    assert bench.writes == 0


def test_what_others_put_there_is_told_and_stays(bench: Bench) -> None:
    """Also what left git: it is told as long as it is there."""
    bench.world.values |= {"thing/one": "1", "thing/two": "2"}
    bench.source.commit(only_reporting(), thing("one", "1"), thing("two", "2"))
    bench.apply()
    bench.source.commit(only_reporting(), thing("one", "1"))
    (held,) = bench.apply().plan.only_told  # type: ignore[union-attr] # a pass without an error has a plan
    assert (held.change.object_id, held.change.cause) == ("thing/two", Cause.REVISION)
    assert bench.world.values == {"thing/one": "1", "thing/two": "2"}
    del bench.world.values["thing/two"]
    assert bench.plan().only_told == ()


@pytest.mark.parametrize("mode", ["report", "propose", "repair"])
def test_no_mode_of_drift_hides_it(bench: Bench, mode: str) -> None:
    """Where nothing can be repaired, drift is never accepted in silence."""
    target = only_reporting(**{DRIFT_ANNOTATION: mode})
    bench.source.commit(target, thing("one", "1"))
    bench.world.values["thing/one"] = "1"
    bench.apply()
    bench.world.values["thing/one"] = "2"
    ready = of(bench.apply(), "Ready")
    assert ready is not None
    assert ready.reason == NOT_AS_DESIRED


def test_who_suspends_it_hears_nothing_of_it(bench: Bench) -> None:
    """A suspension is told as on every other target."""
    bench.source.commit(only_reporting(), thing("one", "1", {SUSPEND_ANNOTATION: "true"}))
    ready = of(bench.apply(), "Ready")
    assert ready is not None
    assert (ready.status, ready.reason) == (Truth.UNKNOWN, "Suspended")


def test_a_target_that_was_written_to_once_is_not_remembered_as_such(bench: Bench) -> None:
    """Else its old way in would be used to empty it once it leaves git."""
    bench.source.commit(resource("Box", "a", only_reporting("a", address="toy").spec), thing("one", "1"))
    bench.apply()
    assert bench.inventory.systems()
    bench.source.commit(only_reporting(), thing("one", "1"))
    bench.apply()
    assert not bench.inventory.systems()
    bench.source.commit()
    bench.apply()
    assert bench.world.values == {"thing/one": "1"}


def test_a_plan_lists_it_apart(bench: Bench) -> None:
    """Neither as something to do, nor as something that waits."""
    bench.source.commit(only_reporting(), thing("one", "1"), thing("two", "2"))
    bench.world.values["thing/two"] = "old"
    plan = bench.plan()
    page = plain(render(plan, START + timedelta(minutes=1)))
    assert "Not as desired, and nothing is ever written there\n" in page
    assert "  Box/a only reports: 2 differences are to be put right there\n" in page
    assert "      value" in page
    assert "2 not as desired. Nothing blocked." in page
    assert "Held back" not in page
    assert "will be" not in page


def test_one_that_does_not_report_is_unreachable_for_the_pass_and_never_drift(bench: Bench) -> None:
    bench.source.commit(only_reporting(), thing("one", "1"))
    bench.world.values["thing/one"] = "1"
    bench.apply()
    bench.world.unreachable = TransientError("no report for 2 h", reason="StaleReport")
    result = bench.apply()
    ready = of(result, "Ready")
    assert ready is not None
    assert (result.result, ready.status, ready.reason) == ("Unreachable", Truth.UNKNOWN, "StaleReport")
    assert of(result, "Drifted") is None


def test_the_agent_rests_until_the_source_says_something_else(bench: Bench, tmp_path: Path) -> None:
    """No storm of passes, no backoff; a watch alone tells when it is put right."""
    quick = agent_spec(drift={"intervals": {"toy": "1s"}})
    bench.source.commit(quick, only_reporting(), thing("one", "1"))
    bench.world.values["thing/one"] = "2"
    with running(bench, tmp_path) as run:
        run.until(lambda: any(c.reason == NOT_AS_DESIRED for c in bench.statuses.conditions_of(ONE)))
        run.until(lambda: run.state("Box/a") == "ok")
        assert bench.statuses.targets()[BOX].result == "NoChange"
        bench.world.values["thing/one"] = "1"
        run.until(lambda: bench.statuses.targets()[BOX].healthy is not None)
        assert len(run.passed) <= 3
    assert bench.writes == 0


def notice(condition: str = "", subject: ResourceKey | None = None, message: str = "odd") -> Failure:
    return Failure("Odd", message, subject, condition)


def test_a_notice_may_speak_of_another_condition_than_ready(bench: Bench) -> None:
    """What it says of one subject stands in one condition; Ready is as it was."""
    found = [notice("Tidy", ONE, "first"), notice("Tidy", ONE, "second"), notice("Tidy", None, "whole")]
    bench.world.notices = found
    bench.source.commit(only_reporting(), thing("one", "1"))
    bench.world.values["thing/one"] = "1"
    result = bench.apply()
    tidy, box_tidy, ready = of(result, "Tidy"), of(result, "Tidy", BOX), of(result, "Ready")
    assert tidy is not None
    assert box_tidy is not None
    assert ready is not None
    assert (tidy.status, tidy.reason, tidy.message) == (Truth.FALSE, "Odd", "first; second")
    assert box_tidy.message == "whole"
    assert ready.status is Truth.TRUE
    assert of(result, "Degraded", BOX) is None


def test_notices_of_the_desired_state_are_told_although_the_target_is_silent(bench: Bench) -> None:
    bench.world.notices = [notice("Tidy", ONE)]
    bench.world.unreachable = TransientError("gone")
    bench.source.commit(only_reporting(), thing("one", "1"))
    (system,) = bench.plan().systems
    assert system.system == SystemKey(BOX, "toy")
    assert [each.message for each in system.notices] == ["odd"]


def _agent(**drift: object) -> AnyResource:
    return resource("Agent", "agent", AgentSpec.model_validate({"drift": drift}))


def test_the_agents_own_mode_hides_nothing_either(bench: Bench) -> None:
    bench.source.commit(_agent(mode="report"), only_reporting(), thing("one", "1"))
    bench.world.values["thing/one"] = "1"
    bench.apply()
    bench.world.values["thing/one"] = "2"
    ready = of(bench.apply(), "Ready")
    assert ready is not None
    assert ready.status is Truth.FALSE
