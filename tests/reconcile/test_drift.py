"""What becomes of drift: repaired, told or proposed, and less and less often where others change it back."""

import time
from pathlib import Path

import pytest

from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import DRIFT_ANNOTATION, AnyResource, ResourceKey
from argos_gitops.ports.report import PassResult
from tests.fakes import box, resource, thing
from tests.reconcile.bench import Bench
from tests.reconcile.crews import agent_spec, running

_ONE, _BOX = ResourceKey("Thing", "one"), ResourceKey("Box", "a")


def _agent(**drift: object) -> AnyResource:
    return resource("Agent", "agent", AgentSpec.model_validate({"drift": drift}))


def _of(result: PassResult, subject: ResourceKey, kind: str) -> Condition | None:
    found = (c for c in result.conditions if (c.subject, c.type) == (subject, kind))
    return next(found, None)


@pytest.mark.parametrize(("mode", "reason"), [("report", "Reported"), ("propose", "Proposed")])
def test_drift_that_stays_is_told_and_leaves_its_owner_ready(bench: Bench, mode: str, reason: str) -> None:
    """Ready says what was proved last; Drifted says since when the world is another."""
    bench.source.commit(_agent(mode=mode), box(), thing("one", "1"))
    bench.apply()
    bench.world.values["thing/one"] = "moved"
    first, later = bench.apply(), bench.apply()
    assert bench.world.values == {"thing/one": "moved"}
    drifted, again = _of(first, _ONE, "Drifted"), _of(later, _ONE, "Drifted")
    assert drifted is not None
    assert again is not None
    assert (drifted.status, drifted.reason, drifted.message) == (Truth.TRUE, reason, "value")
    assert again.since == drifted.since
    for subject in (_ONE, _BOX):
        ready = _of(later, subject, "Ready")
        assert ready is not None
        assert ready.status is Truth.TRUE
    assert later.targets[_BOX].healthy == later.targets[_BOX].applied == f"{bench.source.number:040x}"


def test_the_annotation_wins_over_the_agent(bench: Bench) -> None:
    """One resource is left alone, its neighbour is repaired in the same pass."""
    left = thing("one", "1", {DRIFT_ANNOTATION: "report"})
    bench.source.commit(box(), left, thing("two", "2"))
    bench.apply()
    bench.world.values |= {"thing/one": "moved", "thing/two": "moved"}
    bench.apply()
    assert bench.world.values == {"thing/one": "moved", "thing/two": "2"}


def test_what_is_gone_and_what_was_added_follow_the_mode_too(bench: Bench) -> None:
    """Nobody owns what was added under our mark, so the Box says what becomes of it."""
    reporting = box(**{DRIFT_ANNOTATION: "report"})
    bench.source.commit(reporting, thing("one", "1"), thing("two", "2"))
    bench.apply()
    del bench.world.values["thing/one"]
    bench.world.values["thing/extra"] = "3"
    bench.apply()
    assert bench.world.values == {"thing/extra": "3", "thing/two": "2"}
    bench.source.commit(box(), thing("one", "1"), thing("two", "2"))
    bench.apply()
    assert bench.world.values == {"thing/one": "1", "thing/two": "2"}


def test_a_change_of_git_is_applied_over_reported_drift(bench: Bench) -> None:
    bench.source.commit(_agent(mode="report"), box(), thing("one", "1"))
    bench.apply()
    bench.world.values["thing/one"] = "moved"
    bench.apply()
    bench.source.commit(_agent(mode="report"), box(), thing("one", "2"))
    result = bench.apply()
    assert bench.world.values == {"thing/one": "2"}
    assert _of(result, _ONE, "Drifted") is None


def test_reported_drift_that_ends_by_itself_is_told_no_more(bench: Bench) -> None:
    bench.source.commit(_agent(mode="report"), box(), thing("one", "1"))
    bench.apply()
    bench.world.values["thing/one"] = "moved"
    assert _of(bench.apply(), _ONE, "Drifted") is not None
    bench.world.values["thing/one"] = "1"
    assert _of(bench.apply(), _ONE, "Drifted") is None


def test_fm07_flapping_is_slowed_told_and_forgotten_with_a_new_revision(bench: Bench, tmp_path: Path) -> None:
    """Somebody undoes each repair: after two of them the third waits, until git moves."""
    flapping = {"repairs": 2, "within": "10m", "longestPause": "1h"}
    spec = agent_spec(drift={"intervals": {"toy": "1s"}, "flapping": flapping})
    bench.source.commit(spec, box(), thing("one", "1"))
    with running(bench, tmp_path) as run:
        run.until(lambda: bench.world.values)
        deadline = time.monotonic() + 30
        while not _held(run.passed) and time.monotonic() < deadline:
            bench.world.values["thing/one"] = "mine"
            time.sleep(0.05)
        result = _held(run.passed)[0]
        condition, ready = _of(result, _ONE, "Flapping"), _of(result, _ONE, "Ready")
        assert condition is not None
        assert (condition.status, condition.reason) == (Truth.TRUE, "ChangedByOthers")
        assert ready is not None
        assert (ready.status, ready.reason) == (Truth.UNKNOWN, "Flapping")
        assert "next repair at" in ready.message
        run.push(spec, box(), thing("one", "1"), thing("two", "2"))
        run.until(lambda: bench.world.values == {"thing/one": "1", "thing/two": "2"})


def _held(passed: list[PassResult]) -> list[PassResult]:
    return [
        each
        for each in passed
        if each.plan is not None and any(held.reason == "Flapping" for _, held in each.plan.held())
    ]
