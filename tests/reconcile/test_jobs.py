"""Jobs run once for each time, hold what they write to, and say what they did."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.condition import LAST_RUN, Truth
from argos_gitops.model.errors import ReportError, SettingsError, TerminalError
from argos_gitops.model.resource import EagerResources, ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.model.window import WindowSpec
from argos_gitops.ports.audit import AuditQuery
from argos_gitops.ports.control import AGENT, Orders, Pin, Suspension
from argos_gitops.ports.job import Deed, Effect, Job, JobReport, JobRun, Occasion, Proposals
from argos_gitops.ports.proposal import Proposal
from argos_gitops.ports.provider import DesiredState
from argos_gitops.reconcile.jobs import JobParts, JobRunner
from argos_gitops.reconcile.look import Desired
from argos_gitops.store.audit import SqlAuditLog
from argos_gitops.store.database import open_database
from argos_gitops.store.job_runs import SqlJobRuns
from argos_gitops.store.locks import FileLocks
from argos_gitops.store.status import SqlStatusStore
from tests.fakes import box, resource

NIGHTLY, BOX = ResourceKey("Schedule", "nightly"), ResourceKey("Box", "a")
THREE = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)


class SetClock:
    def __init__(self) -> None:
        self.time = THREE + timedelta(seconds=1)

    def now(self) -> datetime:
        return self.time


class Delivered:
    """A Proposer that remembers what it was handed."""

    def __init__(self) -> None:
        self.done: list[tuple[str, object]] = []
        self.error: ReportError | None = None

    def propose(self, proposal: Proposal) -> str:
        if self.error is not None:
            raise self.error
        self.done.append(("propose", proposal.key))
        return f"https://git.example.com/{proposal.key}"

    def commit(self, proposal: Proposal) -> str:
        self.done.append(("commit", proposal.key))
        return "c" * 40

    def withdraw(self, topic: str, keep: object) -> Sequence[str]:
        self.done.append((topic, sorted(keep)))  # type: ignore[call-overload]
        return ["https://git.example.com/old"]


class Stage:
    """A runner over a real store, and the one job that it runs."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.clock, self.proposer = SetClock(), Delivered()
        self.runs, self.audit = SqlJobRuns(engine, "home"), SqlAuditLog(engine, "home")
        self.status = SqlStatusStore(engine, "home")
        self.locks = FileLocks(folder, wait=timedelta())
        self.orders = Orders()
        self.stopping = False
        self.ran: list[str] = []
        self.occasions: list[Occasion] = []
        self.answer: Callable[[Occasion], JobReport] = lambda _: JobReport("Freed", "freed 1 MiB")
        self.windows: tuple[WindowSpec, ...] = ()
        self.runner = JobRunner(
            JobParts(
                self.runs, self.locks, self.status, self.audit, self.clock, "agent/home",
                orders=lambda _: self.orders, proposer=lambda: self.proposer,
                ran=lambda job, report, seconds: self.ran.append(report.reason),
                stopping=lambda: self.stopping, patience=timedelta(seconds=60),
            )
        )  # fmt: skip

    def job(self, effect: Effect = Effect.WRITES, target: ResourceKey | None = BOX, **more: bool) -> Job:
        return Job(NIGHTLY, "0 3 * * *", "UTC", effect, self._run, target, **more)

    def run(self, job: Job | None = None) -> bool:
        return self.runner.run(job or self.job(), self.desired())

    def desired(self) -> Desired:
        agent = resource("Agent", "agent", AgentSpec(windows=self.windows))
        state = DesiredState(EagerResources([agent, box()], "f"))
        return Desired(Revision("a" * 40, "t", "main"), state, "build", self.clock.now(), tuple, b"key")

    def conditions(self) -> dict[str, tuple[Truth, str, str]]:
        found = self.status.conditions_of(NIGHTLY)
        return {each.type: (each.status, each.reason, each.message) for each in found}

    def _run(self, occasion: Occasion) -> JobReport:
        self.occasions.append(occasion)
        return self.answer(occasion)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    engine = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    yield Stage(engine, tmp_path / "locks")
    engine.dispose()


def test_a_run_is_kept_audited_and_told(stage: Stage) -> None:
    """As a condition of the Schedule, and each thing that was done in the audit log."""
    deeds = (Deed("delete", "image/old", message="1 MiB"),)
    stage.answer = lambda _: JobReport("Freed", "freed 1 MiB", details=["image old"], deeds=deeds)
    assert stage.run()
    target = "Box/a: "
    assert stage.conditions() == {
        "Ready": (Truth.TRUE, "Freed", f"{target}freed 1 MiB"),
        LAST_RUN: (Truth.TRUE, "Freed", f"{target}image old"),
    }
    (run,) = stage.runs.all()
    assert (run.due, run.ok, run.reason, run.ended_at is not None) == (THREE, True, "Freed", True)
    entries = stage.audit.entries(AuditQuery())
    assert [(each.action, each.outcome, each.object_id, each.subject) for each in reversed(entries)] == [
        ("run", "done", "", "Schedule/nightly"),
        ("delete", "done", "image/old", "Schedule/nightly"),
    ]
    assert stage.ran == ["Freed"]


def test_a_time_is_done_once(stage: Stage) -> None:
    """A second replica, or a second firing, does nothing; the next time is another run."""
    assert stage.run()
    assert not stage.run()
    stage.clock.time += timedelta(days=1)
    assert stage.run()
    assert len(stage.occasions) == 2


def test_a_failure_is_told_and_does_not_last(stage: Stage) -> None:
    """What raises and what reports a failure alike; no message of an unexpected error is shown."""
    stage.answer = _raising(SettingsError("env NAME is not set", reason="SecretMissing"))
    with pytest.raises(TerminalError, match="env NAME is not set"):
        stage.run()
    assert stage.conditions()["Ready"][:2] == (Truth.FALSE, "SecretMissing")
    stage.answer = _raising(ZeroDivisionError("a secret"))
    stage.clock.time += timedelta(days=1)
    with pytest.raises(TerminalError, match="unexpected ZeroDivisionError"):
        stage.run()
    stage.answer = lambda _: JobReport("Freed", "freed nothing")
    stage.clock.time += timedelta(days=1)
    assert stage.run()
    assert stage.conditions()["Ready"][0] is Truth.TRUE


def _raising(error: Exception) -> Callable[[Occasion], JobReport]:
    def answer(_: Occasion) -> JobReport:
        raise error

    return answer


def test_the_target_is_held_while_it_is_written_to(stage: Stage) -> None:
    """A pass that has it is waited for, and none begins meanwhile."""
    begun = threading.Event()

    def begin() -> None:
        begun.set()
        stage.run()

    with stage.locks.hold(str(BOX)):
        thread = threading.Thread(target=begin)
        thread.start()
        assert begun.wait(60)
        assert stage.occasions == []

    thread.join(60)
    assert len(stage.occasions) == 1

    def locked(_: Occasion) -> JobReport:
        with pytest.raises(Exception, match="is held by"), stage.locks.hold(str(BOX)):
            raise AssertionError
        return JobReport("Freed", "")

    stage.answer = locked
    stage.clock.time += timedelta(days=1)
    assert stage.run()


def test_what_only_reads_holds_nothing(stage: Stage) -> None:
    stage.orders = Orders((Suspension(str(BOX), "alice", THREE),))
    with stage.locks.hold(str(BOX)):
        assert stage.run(stage.job(Effect.READS))
    assert len(stage.occasions) == 1


@pytest.mark.parametrize(
    ("orders", "effect", "reason"),
    [
        (Orders((Suspension(str(NIGHTLY), "alice", THREE),)), Effect.READS, "Suspended"),
        (Orders((Suspension(AGENT, "alice", THREE),)), Effect.PROPOSES, "Suspended"),
        (Orders((Suspension(str(BOX), "alice", THREE),)), Effect.WRITES, "Suspended"),
        (Orders(pin=Pin("b" * 40, "alice", THREE)), Effect.PROPOSES, "Pinned"),
    ],
)
def test_what_people_hold_waits(stage: Stage, orders: Orders, effect: Effect, reason: str) -> None:
    """It is nobody's failure, and said."""
    stage.orders = orders
    assert stage.run(stage.job(effect))
    assert stage.occasions == []
    assert stage.conditions()["Ready"][:2] == (Truth.UNKNOWN, reason)
    assert stage.audit.entries(AuditQuery())[0].outcome == "skipped"


def test_a_job_can_ask_what_is_suspended(stage: Stage) -> None:
    """By a person, or in git; of resources as well as of targets."""
    stage.orders = Orders((Suspension("Thing/a", "alice", THREE),))
    assert stage.run()
    suspended = stage.occasions[0].suspended
    assert [suspended(ResourceKey("Thing", name)) for name in ("a", "b")] == [True, False]


def test_a_closed_window_keeps_it_from_writing(stage: Stage) -> None:
    """Of its own target; a job that proposes may ask for that of each."""
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "12h"}
    stage.windows = (WindowSpec.model_validate(window),)
    assert stage.run()
    assert stage.occasions == []
    assert stage.conditions()["Ready"][1] == "WindowClosed"
    stage.clock.time += timedelta(days=1)
    assert stage.run(stage.job(Effect.PROPOSES, None))
    assert "is closed until" in stage.occasions[0].held(BOX)
    stage.clock.time += timedelta(days=1, hours=12)
    assert stage.run(stage.job())
    assert len(stage.occasions) == 2


def test_an_agent_that_ends_stops_between_two_writes(stage: Stage) -> None:
    def half(occasion: Occasion) -> JobReport:
        stage.stopping = True
        occasion.go_on()
        raise AssertionError

    stage.answer = half
    with pytest.raises(TerminalError):
        stage.run()
    assert stage.conditions()["Ready"][:2] == (Truth.FALSE, "Interrupted")


def _proposal(key: str) -> Proposal:
    return Proposal(key, "a" * 40, key, "", {})


def test_proposals_are_delivered_and_old_ones_withdrawn(stage: Stage) -> None:
    """But not those that this run could not tell of."""
    proposed = Proposals("updates/nightly", [_proposal("one"), _proposal("two")], undecided={"three"})
    stage.answer = lambda _: JobReport("Proposed", "2 newer images", proposed=proposed)
    assert stage.run(stage.job(Effect.PROPOSES, None))
    assert stage.proposer.done == [
        ("propose", "one"),
        ("propose", "two"),
        ("updates/nightly", ["one", "three", "two"]),
    ]
    message = stage.conditions()["Ready"][2]
    assert message == (
        "2 newer images; https://git.example.com/one; https://git.example.com/two; "
        "https://git.example.com/old closed"
    )


def test_direct_proposals_are_commits(stage: Stage) -> None:
    proposed = Proposals("updates/nightly", [_proposal("one")], direct=True)
    stage.answer = lambda _: JobReport("Committed", "1 newer image", proposed=proposed)
    assert stage.run(stage.job(Effect.PROPOSES, None))
    assert stage.proposer.done == [("commit", "one")]
    assert stage.conditions()["Ready"][2] == "1 newer image; commit ccccccc"


def test_what_cannot_be_delivered_fails_the_run(stage: Stage) -> None:
    stage.proposer.error = ReportError("the forge is away")
    proposed = Proposals("updates/nightly", [_proposal("one")])
    stage.answer = lambda _: JobReport("Proposed", "1 newer image", proposed=proposed)
    with pytest.raises(TerminalError, match="the forge is away"):
        stage.run(stage.job(Effect.PROPOSES, None))
    assert stage.conditions()["Ready"][1] == "ReportFailed"


def test_a_missed_time_is_made_up_for_where_that_was_chosen(stage: Stage) -> None:
    """Not the very first: a new job waits for its time. And not after its times have changed."""
    job = stage.job(catch_up=True)
    assert not stage.runner.missed(job)
    assert not stage.runner.missed(job)
    stage.clock.time += timedelta(days=3)
    assert not stage.runner.missed(stage.job())
    assert stage.runner.missed(job)
    assert stage.run(job)
    assert not stage.runner.missed(job)
    stage.clock.time += timedelta(days=3)
    assert not stage.runner.missed(replace(job, cron="0 4 * * *"))


def test_several_targets_are_told_together(stage: Stage) -> None:
    """One that failed is the one that counts."""
    other = ResourceKey("Box", "b")
    assert stage.run(stage.job(Effect.READS, BOX))
    stage.answer = lambda _: JobReport("Unreachable", "b is away", ok=False)
    with pytest.raises(TerminalError):
        stage.run(stage.job(Effect.READS, other))
    status, reason, message = stage.conditions()["Ready"]
    assert (status, reason) == (Truth.FALSE, "Unreachable")
    assert message == "Box/a: freed 1 MiB; Box/b: b is away"
    assert [run.job for run in stage.runs.all()] == ["Schedule/nightly Box/a", "Schedule/nightly Box/b"]


def test_a_run_that_another_replica_does_is_no_business_of_ours(stage: Stage) -> None:
    job = stage.job()
    stage.runs.claim(JobRun(job.name, NIGHTLY, "0 3 * * * UTC", THREE))
    assert not stage.run(job)
    assert stage.conditions() == {}
