"""What a pass means for its commit."""

from collections import Counter
from dataclasses import replace

import pytest

from argos_gitops.model.change import Action
from argos_gitops.model.condition import Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.store import TargetState
from argos_gitops.status.forge.forge import MAX_DESCRIPTION, State
from argos_gitops.status.forge.verdict import Verdict, count, judge, judged_commit
from tests.status import passes
from tests.status.forge.passes import ONE, TWO, applied, drift, not_ready, on, over, spec_for, state

SHA, OLDER = "a" * 40, "b" * 40
SPEC = spec_for()
CHANGE = passes.change("a")


def test_a_healthy_revision_is_a_success_that_says_what_was_done() -> None:
    """Counted by what git asked for; a repair is none of the commit's work."""
    added = replace(CHANGE, action=Action.CREATE)
    result = applied(SHA, [added, added, CHANGE, drift("b")], SPEC)
    assert judge(result, count(result)) == Verdict(SHA, State.SUCCESS, "applied: 2 added, 1 changed")
    assert judge(applied(SHA, [], SPEC), Counter()) == Verdict(SHA, State.SUCCESS, "applied and healthy")


def test_a_plain_folder_has_no_commit() -> None:
    """Nor has a source that did not answer."""
    result = applied(SHA, [], SPEC)
    assert result.revision is not None
    assert judge(replace(result, revision=replace(result.revision, is_commit=False)), Counter()) is None
    assert judge(passes.unreadable(), Counter()) is None


@pytest.mark.parametrize("reason", ["Declined", "Locked", "StalePlan"])
def test_a_pass_that_comes_again_says_nothing(reason: str) -> None:
    """Another one was at work, or the world moved: the next pass tells."""
    assert judge(replace(applied(SHA, [], SPEC), result=reason), Counter()) is None


def test_fm11_a_rejected_revision_is_a_failure() -> None:
    """With the first sentence of why, and how many more there are."""
    rejected = replace(
        on(SHA, passes.invalid(), SPEC), message="hosts/a.yaml:3:7 unknown field\nsecond\nthird"
    )
    verdict = judge(rejected, Counter())
    assert verdict == Verdict(
        SHA, State.FAILURE, "invalid configuration: hosts/a.yaml:3:7 unknown field (and 2 more)"
    )


def test_fm11_a_rejected_revision_fails_though_all_targets_are_well() -> None:
    """They stand at the older one."""
    rejected = replace(on(SHA, passes.invalid(), SPEC), targets={ONE: state(OLDER)})
    verdict = judge(rejected, Counter())
    assert verdict is not None
    assert (verdict.sha, verdict.state) == (SHA, State.FAILURE)


def test_fm11_a_blocked_plan_is_a_failure_that_names_what_to_approve() -> None:
    """However long the reason is, the digest stands."""
    result = on(SHA, passes.blocked(CHANGE, "x" * 300), SPEC)
    verdict = judge(result, Counter())
    assert verdict is not None
    assert result.plan is not None
    assert verdict.state is State.FAILURE
    assert verdict.description.startswith("blocked: xxx")
    assert verdict.description.endswith(f"; approve {result.plan.short}…")
    assert len(verdict.description) <= MAX_DESCRIPTION


def test_it_is_pending_until_every_target_has_it() -> None:
    """And a success with the last."""
    result = applied(SHA, [CHANGE], SPEC)
    waiting = over(result, ONE, {ONE: state(SHA), TWO: state(OLDER)})
    assert judge(waiting, Counter()) == Verdict(SHA, State.PENDING, "applied to 1 of 2 targets")
    done = over(result, TWO, {ONE: state(SHA), TWO: state(SHA)})
    verdict = judge(done, Counter({"added": 1}))
    assert verdict == Verdict(SHA, State.SUCCESS, "applied: 1 added")


def test_fm11_one_failing_target_fails_the_commit() -> None:
    """Also when the pass that tells it was over another one."""
    states = {ONE: state(SHA), TWO: state(SHA, "Failed", "1 of 3 changes failed")}
    for target in (ONE, TWO):
        verdict = judge(over(applied(SHA, [], SPEC), target, states), Counter())
        assert verdict == Verdict(SHA, State.FAILURE, "failed: Box/other: 1 of 3 changes failed")


def test_an_outage_after_success_is_the_world_s() -> None:
    """The commit stands where it was applied and healthy; before that, it is a failure."""
    down = TargetState(SHA, SHA, None, SHA, None, "Unreachable", "no answer")
    verdict = judge(over(applied(SHA, [], SPEC), ONE, {ONE: down}), Counter())
    assert verdict is not None
    assert verdict.state is State.SUCCESS
    never = over(applied(SHA, [], SPEC), ONE, {ONE: state(SHA, "Unreachable", "no answer")})
    verdict = judge(never, Counter())
    assert verdict == Verdict(SHA, State.FAILURE, "unreachable: Box/main: no answer")


def test_what_is_applied_but_not_healthy_is_no_success() -> None:
    """What fails is named; what only waits is pending, and says for what."""
    half = TargetState(SHA, SHA, None, OLDER, None, "Applied", "")
    result = over(applied(SHA, [CHANGE], SPEC), ONE, {ONE: half})
    thing = ResourceKey("Thing", "a")
    failing = judge(replace(result, conditions=[not_ready(thing)]), Counter())
    assert failing == Verdict(SHA, State.FAILURE, "applied, but not ready: Thing/a")
    waiting = judge(replace(result, conditions=[not_ready(thing, Truth.UNKNOWN)]), Counter())
    assert waiting == Verdict(SHA, State.PENDING, "Thing/a: no answer")


def test_after_a_rollback_the_commit_that_failed_is_judged() -> None:
    """Not the one that the target went back to."""
    back = TargetState(SHA, OLDER, None, OLDER, SHA, "RolledBack", "aaaaaaa failed its probes")
    result = over(applied(OLDER, [], SPEC), ONE, {ONE: back})
    assert judged_commit(result) == SHA
    verdict = judge(result, Counter())
    assert verdict == Verdict(SHA, State.FAILURE, "rolled back: Box/main: aaaaaaa failed its probes")
