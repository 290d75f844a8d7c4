"""Conditions: what a pass says about each resource, and what it does not say again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import SystemKey, SystemPlan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.reconcile.conditions import SystemReport, conditions_of

EDGE, HOST = ResourceKey("Edge", "main"), ResourceKey("Host", "app")
EARLIER, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
PROVED = Condition(HOST, "Ready", Truth.TRUE, "Answering", "", EARLIER)


def _ready(known: Condition, outcomes: Sequence[Outcome] = ()) -> Condition:
    report = SystemReport(
        SystemPlan(SystemKey(EDGE, "caddy")), [HOST], outcomes=outcomes, observed=True, known={HOST: known}
    )
    return next(each for each in conditions_of([report], NOW)[EDGE] if each.subject == HOST)


def test_an_idle_pass_repeats_what_was_proved() -> None:
    """Nothing changed and nothing was asked, so there is no news: not the reason, and not the time."""
    assert _ready(PROVED) == PROVED


def test_a_change_that_nobody_proved_is_merely_applied() -> None:
    """What was proved of the old content says nothing about the new one."""
    change = Change(Action.UPDATE, Cause.REVISION, "host/app", HOST, {}, {})
    assert _ready(PROVED, [Outcome(change, Result.DONE)]).reason == "Applied"


def test_a_resource_that_was_not_ready_becomes_applied() -> None:
    """A failure of the last pass does not stick to a resource that is in place now."""
    failed = Condition(HOST, "Ready", Truth.FALSE, "NotAnswering", "502", EARLIER)
    assert _ready(failed).reason == "Applied"
