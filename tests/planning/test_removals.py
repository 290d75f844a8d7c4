"""Many small removals count together for an hour, and nothing else does."""

from dataclasses import replace
from datetime import timedelta

from argos_gitops.model.agent import GuardSpec
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.plan import Held
from argos_gitops.planning.guard import review
from argos_gitops.planning.removals import SPAN, Removals
from tests.planning.plans import NOW
from tests.planning.test_guard import applied, hosts
from tests.planning.world import CADDY, CROWDSEC, owner_of

_SECOND = timedelta(seconds=1)


def removal(number: int, cause: Cause = Cause.REVISION, action: Action = Action.DELETE) -> Change:
    object_id = f"host/h{number}"
    return Change(action, cause, object_id, owner_of(object_id), {}, None)


def recorded(*changes: Change) -> Removals:
    removals = Removals()
    for change in changes:
        removals.record(CADDY, change, NOW)
    return removals


def test_what_went_counts_for_an_hour_on_its_own_system() -> None:
    removals = recorded(removal(1), removal(2))
    assert removals.lost(CADDY, NOW + SPAN - _SECOND) == {"Host": 2}
    assert removals.lost(CROWDSEC, NOW) == {}
    assert removals.lost(CADDY, NOW + SPAN) == {}


def test_what_git_added_counts_against_it_and_drift_not_at_all() -> None:
    """A rename removes nothing; clearing away what others put there, again and again, blocks nothing."""
    renamed = recorded(removal(1), removal(2, action=Action.CREATE))
    assert renamed.lost(CADDY, NOW) == {}
    assert recorded(removal(1, Cause.DRIFT)).lost(CADDY, NOW) == {}


def test_an_approval_begins_anew() -> None:
    removals = recorded(removal(1))
    removals.accept()
    assert removals.lost(CADDY, NOW) == {}


def test_a_script_that_removes_a_few_at_a_time_is_stopped() -> None:
    """200 hosts, 19 fewer with each commit: the second commit is one too many."""
    removals, left = Removals(), list(range(200))
    for commit in range(2):
        before, left = hosts(left), left[19:]
        difference = applied(before).difference(hosts(left))
        told = review(CADDY, difference, GuardSpec(), lost=removals.lost(CADDY, NOW))
        assert bool(told) == (commit == 1)
        for change in difference.changes:
            removals.record(CADDY, change, NOW)
    assert "within the last hour they are more than guard.maxDeletes, 20" in told[0]


def test_single_removals_of_few_objects_are_free() -> None:
    """Lifting bans one after the other needs no approval; the last of its kind always does."""
    difference = applied(hosts(range(3))).difference(hosts(range(2)))
    assert review(CADDY, difference, GuardSpec(), lost={"Host": 4}) == ()
    assert review(CADDY, difference, GuardSpec(), lost={"Host": 5}) != ()


def test_removals_that_wait_count_with_those_that_do_not() -> None:
    """Suspending some of them does not split a removal that is too large into two that are not."""
    difference = applied(hosts(range(100))).difference(hosts(range(25, 100)))
    now, later = difference.changes[:15], difference.changes[15:]
    held = tuple(Held(change, "Suspended", "by somebody") for change in later)
    assert "25 of 100 objects" in review(CADDY, replace(difference, changes=now, held=held), GuardSpec())[0]
    assert review(CADDY, replace(difference, changes=(), held=held), GuardSpec()) == ()
    kept = tuple(replace(each, intended=True) for each in held)
    assert review(CADDY, replace(difference, changes=now, held=kept), GuardSpec()) == ()
