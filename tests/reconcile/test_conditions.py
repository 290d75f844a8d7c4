"""Conditions: what a pass says about each resource, and what it does not say again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.plan import Held, SystemKey, SystemPlan
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


def _told(*held: Held, pending: bool = True) -> dict[tuple[str, str], tuple[str, str]]:
    """Status and reason of each condition, by subject and type, where something waits."""
    owners = {each.change.owner for each in held}
    report = SystemReport(
        SystemPlan(SystemKey(EDGE, "caddy"), held=held),
        [HOST],
        observed=True,
        pending=owners if pending else (),
    )
    return {(str(c.subject), c.type): (c.status, c.reason) for c in conditions_of([report], NOW)[EDGE]}


def test_what_waits_for_a_window_is_neither_ready_nor_failed() -> None:
    change = Change(Action.UPDATE, Cause.REVISION, "host/app", HOST, {}, {})
    told = _told(Held(change, "WindowClosed", "Edge/main is closed until 2026-01-03 00:00 UTC"))
    assert told == {
        ("Edge/main", "Ready"): ("Unknown", "WindowClosed"),
        ("Host/app", "Ready"): ("Unknown", "WindowClosed"),
    }


def test_drift_that_is_held_back_is_still_told() -> None:
    change = Change(Action.UPDATE, Cause.DRIFT, "host/app", HOST, {}, {})
    told = _told(Held(change, "Suspended", "Host/app is suspended (by user/ann@desk)"))
    assert told["Host/app", "Drifted"] == ("True", "Suspended")


def test_what_git_keeps_back_leaves_its_target_ready() -> None:
    """Protection and suspension in git are the revision's own wish; only the resource tells of it."""
    gone = Change(Action.DELETE, Cause.REVISION, "host/old", ResourceKey("Host", "old"), {}, None)
    told = _told(Held(gone, "Protected", "Host/old is gone from git, and what it made stays", intended=True))
    assert told["Edge/main", "Ready"] == ("True", "Applied")
    assert ("Host/old", "Ready") not in told
