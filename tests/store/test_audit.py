"""The audit log: who or what did which thing, as often as it was done and no more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from argos_gitops.model.change import Cause, Result
from argos_gitops.model.errors import StoreError
from argos_gitops.ports.audit import AuditEntry, AuditQuery
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import TargetState
from argos_gitops.store.audit import SqlAuditLog
from argos_gitops.store.audit_report import AuditReporter
from tests.status.passes import CANARY, SYSTEM, a_pass, change, sha_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AGENT = "agent/one"


@pytest.fixture
def log(store: Engine) -> SqlAuditLog:
    return SqlAuditLog(store, "one")


def entry(minute: int, **values: str) -> AuditEntry:
    plain = AuditEntry(NOW + timedelta(minutes=minute), "user/alice@host.example", "suspend", "done")
    return replace(plain, **values)  # type: ignore[arg-type] # mypy does not see that all are text


def found(log: SqlAuditLog, **query: object) -> list[AuditEntry]:
    return list(log.entries(AuditQuery(**query)))  # type: ignore[arg-type]


def test_entries_come_back_newest_first(log: SqlAuditLog) -> None:
    full = AuditEntry(
        NOW, AGENT, "update", "failed", "drift", "a" * 40, "Edge/main", "Host/wiki", "host/wiki", "Größe ≥ 3"
    )
    log.append([full, entry(2)])
    log.append([entry(1)])
    assert found(log) == [entry(2), entry(1), full]
    assert found(log, limit=1) == [entry(2)]


def test_each_filter_narrows(log: SqlAuditLog) -> None:
    """Exactly, or by a `*`; a revision also by its beginning; a time from and before."""
    one = entry(1, subject="Host/a_b", target="Edge/main", revision="abcdef0", outcome="failed")
    two = entry(2, actor=AGENT, action="create", subject="Host/axb", revision="abc0000")
    log.append([one, two])
    assert found(log, actor=AGENT) == found(log, actor="agent/*") == [two]
    assert found(log, action="suspend") == found(log, target="Edge/main") == [one]
    assert found(log, subject="Host/*") == [two, one]
    assert found(log, subject="Host/a_*") == [one]
    assert found(log, outcome="failed") == found(log, revision="abcd") == [one]
    assert found(log, revision="abc") == [two, one]
    assert found(log, since=two.at) == [two]
    assert found(log, until=two.at) == [one]
    assert found(log, subject="Host/none") == []


def test_only_the_oldest_are_forgotten(log: SqlAuditLog) -> None:
    log.append([entry(minute) for minute in range(5)])
    assert log.forget(NOW + timedelta(minutes=3)) == 3
    assert found(log) == [entry(4), entry(3)]
    assert log.forget(NOW) == 0


def test_instances_do_not_see_each_other(store: Engine, log: SqlAuditLog) -> None:
    other = SqlAuditLog(store, "two")
    log.append([entry(1)])
    assert found(other) == []
    assert other.forget(NOW + timedelta(days=1)) == 0
    assert found(log) == [entry(1)]


def test_a_pass_tells_each_change_it_tried(log: SqlAuditLog) -> None:
    """With what people may see of it, and never what they may not."""
    AuditReporter(log, AGENT).report(a_pass(1, [change("a"), change("b", Cause.DRIFT)]))
    newest, first = found(log)
    assert (newest.subject, newest.cause, first.subject) == ("Thing/b", "drift", "Thing/a")
    assert (first.actor, first.action, first.outcome) == (AGENT, "update", "done")
    assert (first.revision, first.target, first.object_id) == (sha_of(1), str(SYSTEM.target), "thing/a")
    assert first.message == "value 1 → 2"
    assert CANARY not in str(found(log))


def test_an_idle_pass_appends_nothing(log: SqlAuditLog) -> None:
    reporter = AuditReporter(log, AGENT)
    for minute in range(100):
        reporter.report(a_pass(1, minutes=minute))
    assert found(log) == []


def ended(result: str, message: str, **values: object) -> PassResult:
    return replace(a_pass(1), result=result, message=message, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "outcome"),
    [("Blocked", "refused"), ("InvalidConfiguration", "refused"), ("SourceError", "failed")],
)
def test_a_pass_that_came_to_nothing_is_told_once(log: SqlAuditLog, result: str, outcome: str) -> None:
    """However often it is tried again; and again once it is another trouble, or a new one."""
    reporter = AuditReporter(log, AGENT)
    for message in ("6 deletes", "6 deletes", "7 deletes", "7 deletes"):
        reporter.report(ended(result, message))
    reporter.report(a_pass(1))
    reporter.report(ended(result, "7 deletes"))
    told = [f"{result}: {count} deletes" for count in (7, 7, 6)]
    assert [each.message for each in found(log)] == told
    assert {(each.action, each.outcome) for each in found(log)} == {("apply", outcome)}


@pytest.mark.parametrize("result", ["Declined", "Unreachable", "Locked", "RolledBack"])
def test_what_is_no_deed_is_not_told(log: SqlAuditLog, result: str) -> None:
    AuditReporter(log, AGENT).report(ended(result, "nothing was written"))
    assert found(log) == []


def test_a_pass_over_one_target_speaks_for_that_target(log: SqlAuditLog) -> None:
    """Whatever trouble another target, or the source, is in."""
    target = SYSTEM.target
    mine = {target: TargetState(result="Blocked", message="mine")}
    reporter = AuditReporter(log, AGENT)
    reporter.report(ended("SourceError", "another's", own_result="NoChange", target=target, targets=mine))
    assert found(log) == []
    reporter.report(ended("SourceError", "another's", own_result="Blocked", target=target, targets=mine))
    assert [(each.target, each.message) for each in found(log)] == [(str(target), "Blocked: mine")]


class LogOutOfReach:
    """A log that cannot be written to until `lost` is False."""

    def __init__(self) -> None:
        self.lost = True
        self.kept: list[AuditEntry] = []

    def append(self, entries: Sequence[AuditEntry]) -> None:
        if self.lost:
            raise StoreError("gone")
        self.kept += entries

    def entries(self, query: AuditQuery) -> Sequence[AuditEntry]:
        return self.kept

    def forget(self, before: datetime) -> int:
        return 0


def test_what_cannot_be_appended_goes_with_the_next_pass() -> None:
    log = LogOutOfReach()
    reporter = AuditReporter(log, AGENT)
    with pytest.raises(StoreError):
        reporter.report(a_pass(1, [change("a")]))
    log.lost = False
    reporter.report(a_pass(1, [change("b")], results=Result.FAILED))
    reporter.report(a_pass(1))
    assert [each.subject for each in log.kept] == ["Thing/a", "Thing/b"]
