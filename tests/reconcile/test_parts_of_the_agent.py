"""The small parts that an agent is made of, each for itself."""

import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import ReportError
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.provider import Watch
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import Revisions, SourceState, TargetState
from argos_gitops.reconcile.agenda import Agenda
from argos_gitops.reconcile.deferred import Deferred
from argos_gitops.reconcile.pulse import Pulse
from argos_gitops.reconcile.rollback import victims, way_back
from argos_gitops.reconcile.standing import Standing, overall, rank
from argos_gitops.supervision.backoff import Backoff
from tests.fakes import START, Listener, QuietLog, SteppingClock

A, B = ResourceKey("Edge", "a"), ResourceKey("Edge", "b")
HOST = ResourceKey("Host", "app")
SYSTEM = SystemKey(A, "caddy")


def _result(**fields: object) -> PassResult:
    plain = PassResult(
        START, "Applied", "", None, None, [], [], (), None, {}, Revisions(), own_result="Applied"
    )
    return replace(plain, **fields)  # type: ignore[arg-type] # the fields of PassResult


@given(st.integers(1, 60))
def test_fm07_pauses_double_up_to_a_limit_and_begin_anew(failures: int) -> None:
    """Never longer than the limit and its tenth, never shorter than the first, and a reset is a reset."""
    backoff = Backoff(timedelta(seconds=5), timedelta(minutes=5))
    pauses = [backoff.failed().total_seconds() for _ in range(failures)]
    assert all(4.5 <= pause <= 330 for pause in pauses)
    assert all(later > earlier * 1.5 for earlier, later in pairwise(pauses[:6]))
    backoff.reset()
    assert backoff.failed().total_seconds() <= 5.5


def test_an_agenda_wakes_for_whatever_comes_first() -> None:
    agenda = Agenda()
    agenda.pass_in(timedelta(seconds=600), 0)
    agenda.watch([(SYSTEM, Watch("caddy", timedelta(seconds=15)))], {}, 0)
    assert agenda.wait(0) == 15
    assert agenda.due(14.9) == []
    assert agenda.due(15) == [(SYSTEM, "caddy")]
    assert agenda.wait(15) == 15
    agenda.watch([(SYSTEM, Watch("caddy", timedelta(seconds=15)))], {"caddy": timedelta(seconds=1)}, 15)
    assert agenda.wait(15) == 1


def test_nobody_watches_a_target_that_is_paused_after_a_failure() -> None:
    """The pass that comes looks at everything anyway."""
    agenda = Agenda()
    agenda.watch([(SYSTEM, Watch("caddy", timedelta(seconds=1)))], {}, 0)
    agenda.pass_in(timedelta(seconds=60), 0, backoff=True)
    assert (agenda.due(30), agenda.wait(30)) == ([], 30)


def test_the_whole_is_the_worst_of_its_parts() -> None:
    """A target that is well hides no other, and nothing hides that the source is ill."""
    targets = {A: TargetState(result="NoChange"), B: TargetState(result="Unreachable", message="gone")}
    well = Standing("Applied")
    assert overall(well, SourceState(), {A: targets[A]}) == well
    assert overall(well, SourceState(), targets) == Standing("Unreachable", "Edge/b: gone")
    ill = overall(well, SourceState("SourceError", "no git"), targets)
    assert (ill.result, ill.message) == ("SourceError", "no git")


def test_each_reason_of_the_guard_is_told_once() -> None:
    blocked = TargetState(result="Blocked", message="one\ntwo")
    assert overall(Standing("Blocked"), SourceState(), {A: blocked, B: blocked}).blocked == ("one", "two")


def test_unknown_results_are_errors_and_so_the_worst() -> None:
    known = ("NoChange", "Applied", "Waiting", "Declined", "RolledBack", "Unreachable", "Blocked", "Failed")
    assert all(rank("StoreError") > rank(result) for result in known)


def _after(cause: Cause, condition: Condition) -> PassResult:
    change = Change(Action.UPDATE, cause, "host/app", HOST, {}, {})
    return _result(outcomes=[(SYSTEM, Outcome(change, Result.DONE))], conditions=[condition])


def test_only_what_a_revision_broke_is_a_reason_to_go_back() -> None:
    """Neither what was ill before, nor a repair of drift, nor what nobody could ask."""
    ill = Condition(HOST, "Ready", Truth.FALSE, "UpstreamUnavailable")
    assert victims(_after(Cause.REVISION, ill), ()) == [ill]
    assert victims(_after(Cause.REVISION, ill), {HOST}) == []
    assert victims(_after(Cause.DRIFT, ill), ()) == []
    assert victims(_after(Cause.REVISION, replace(ill, status=Truth.UNKNOWN)), ()) == []
    assert victims(_after(Cause.REVISION, replace(ill, reason="Blocked")), ()) == []


def test_what_a_revision_did_not_touch_is_no_reason_to_go_back() -> None:
    """Unless the revision changed the target that it stands on."""
    other = Condition(replace(HOST, name="other"), "Ready", Truth.FALSE, "UpstreamUnavailable")
    result = _after(Cause.REVISION, other)
    assert victims(result, ()) == []
    assert victims(replace(result, targets={HOST: TargetState()}), ()) == [other]


def test_the_way_back_leads_to_another_healthy_revision_or_nowhere() -> None:
    assert way_back(TargetState(healthy="good"), "bad") == "good"
    assert way_back(TargetState(healthy="bad"), "bad") is None
    assert way_back(TargetState(), "bad") is None


class _Stubborn(Listener):
    """Fails so often, then listens."""

    failures = 2

    def report(self, result: PassResult) -> None:
        if self.failures:
            self.failures -= 1
            raise ReportError("not now")
        super().report(result)


def test_fm11_what_could_not_be_told_is_told_later_and_in_order() -> None:
    """A reporter that fails twice hears of every pass that changed something, and of the newest state."""
    listener = _Stubborn()
    soon = Backoff(timedelta(milliseconds=10))
    deferred = Deferred("branch", listener, Pulse(SteppingClock()), QuietLog(), soon)
    told = [_result(message=str(number), target=A, outcomes=[object()]) for number in range(5)]
    deferred.start()
    for result in told:
        deferred.report(result)
    deadline = time.monotonic() + 30
    while len(listener.results) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    deferred.stop(time.monotonic() + 10)
    assert [result.message for result in listener.results] == ["0", "1", "2", "3", "4"]


class _Broken(Listener):
    """Raises what nobody expects, once."""

    def report(self, result: PassResult) -> None:
        if not self.results:
            super().report(result)
            raise ZeroDivisionError
        super().report(result)


def test_a_reporter_that_breaks_is_tried_again_and_seen() -> None:
    """Its thread ended for good, and the status branch stood still while health said it was being written."""
    listener, pulse = _Broken(), Pulse(SteppingClock())
    deferred = Deferred("branch", listener, pulse, QuietLog(), Backoff(timedelta(milliseconds=200)))
    deferred.start()
    deferred.report(_result(message="once", target=A, outcomes=[object()]))
    states: set[str] = set()
    deadline = time.monotonic() + 30
    while len(listener.results) < 2 and time.monotonic() < deadline:
        states |= {part.state for part in pulse.parts()}
        time.sleep(0.005)
    deferred.stop(time.monotonic() + 10)
    assert [result.message for result in listener.results] == ["once", "once"]
    assert "failing" in states
