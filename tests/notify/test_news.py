"""What passes have to tell, by stories of real passes over a toy world."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import ArgosError, ManifestError, SourceError, TransientError
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import ResourceKey
from argos_gitops.notify.news import tellings
from argos_gitops.ports.control import AGENT, Orders, Suspension
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm
from argos_gitops.ports.report import PassResult
from argos_gitops.ports.store import TargetState
from argos_gitops.reconcile.parts import Approval
from tests.fakes import START, World, box, thing
from tests.reconcile.bench import Bench, make_bench

BOX = ResourceKey("Box", "a")


class People:
    """Whoever is told, with what they know to be so."""

    def __init__(self) -> None:
        self.alarms: dict[str, Alarm] = {}

    def hear(self, *results: PassResult) -> list[Event]:
        heard: list[Event] = []
        for result in results:
            for telling in list(tellings(result, list(self.alarms.values()))):
                if telling.closes is not None:
                    del self.alarms[telling.closes.key]
                if telling.opens is not None:
                    self.alarms[telling.opens.key] = telling.opens
                if telling.event is not None:
                    heard.append(telling.event)
        return heard


class Story:
    """Passes, and what people hear of each."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.people = People()

    def run(self, *, approve: str | None = None) -> list[Event]:
        """One pass; what people hear of what it reported."""
        told = len(self.bench.listener.results)
        with suppress(ArgosError):
            self.bench.apply(lambda plan: Approval(True, approve))
        return self.people.hear(*self.bench.listener.results[told:])

    @property
    def last(self) -> PassResult:
        """The last pass, as if it had had nothing to do."""
        return replace(self.bench.listener.results[-1], outcomes=(), own_result="")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    story = Story(make_bench(tmp_path))
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in range(5)])
    assert names(story.run()) == ["RevisionApplied Box/a"]
    return story


def names(events: Sequence[Event]) -> list[str]:
    return [f"{event.name} {event.subject}".rstrip() for event in events]


def test_a_revision_is_told_once_and_idle_passes_tell_nothing(story: Story) -> None:
    assert [story.run() for _ in range(3)] == [[], [], []]
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in range(1, 5)], thing("new", "1"))
    (event,) = story.run()
    assert event.title == "Box/a: revision 0000000 applied, 1 added, 1 removed"
    assert event.text.splitlines() == ["commit 2", "+ Thing/new", "- Thing/t0"]
    assert (event.facts["revision"], event.facts["added"]) == (f"{2:040x}", "1")
    assert story.run() == []


def test_a_rejected_revision_is_told_until_it_is_mended(story: Story) -> None:
    """Once for each set of problems; it stays rejected when git cannot be read in between."""
    source = story.bench.source
    source.problems = [Problem(Location("hosts.yaml", 3), "UnknownField", "no field 'domian'")]
    (event,) = story.run()
    assert (event.name, event.facts["problems"]) == ("ConfigurationRejected", "1")
    assert event.text == "hosts.yaml:3:0 UnknownField no field 'domian'"
    assert story.run() == []
    source.error = SourceError("git is away")
    assert names(story.run()) == ["SourceUnavailable"]
    assert story.run() == []
    source.error = None
    assert names(story.run()) == ["SourceRecovered"]
    source.problems = [Problem(Location("hosts.yaml", 4), "UnknownField", "another")]
    assert names(story.run()) == ["ConfigurationRejected"]
    source.problems = []
    assert names(story.run()) == ["ConfigurationAccepted"]


def test_a_commit_that_nobody_signed_is_told_as_such(story: Story) -> None:
    story.bench.source.error = SourceError("a1b2c3d is signed by nobody", reason="UnverifiedCommit")
    (event,) = story.run()
    assert (event.name, event.text) == ("UnverifiedCommit", "a1b2c3d is signed by nobody")
    story.bench.source.error = None
    assert names(story.run()) == ["CommitVerified"]


def test_a_target_that_is_away_is_told_and_nothing_of_what_stands_on_it(story: Story) -> None:
    assert story.run() == []
    story.bench.world.unreachable = TransientError("no answer")
    (event,) = story.run()
    assert (event.name, event.text, event.facts["target"]) == ("TargetUnreachable", "no answer", "Box/a")
    assert story.run() == []
    story.bench.world.unreachable = None
    assert names(story.run()) == ["TargetRecovered Box/a"]


def test_a_failed_change_is_told_of_the_target_alone(story: Story) -> None:
    story.bench.world.fail_at = 0
    story.bench.source.commit(box(), *[thing(f"t{number}", "2") for number in range(5)])
    (event,) = story.run()
    assert event.title == "Box/a: 5 of 5 changes failed" or event.title == "Box/a: 1 of 5 changes failed"
    assert "Broken: the world broke" in event.text
    assert story.run() == []
    story.bench.world.fail_at = None
    assert names(story.run()) == ["RevisionApplied Box/a", "PassRecovered Box/a"]


def test_an_effect_that_cannot_be_proven_is_told_of_the_resource(story: Story) -> None:
    story.bench.world.unwell = {"t1"}
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in (0, 2, 3, 4)], thing("t1", "2"))
    assert names(story.run()) == ["RevisionApplied Box/a", "ResourceUnhealthy Thing/t1"]
    assert story.run() == []
    story.bench.world.unreachable = TransientError("no answer")
    assert names(story.run()) == ["TargetUnreachable Box/a"]
    story.bench.world.unreachable = None
    story.bench.world.unwell = set()
    assert sorted(names(story.run())) == ["ResourceRecovered Thing/t1", "TargetRecovered Box/a"]


def test_a_resource_that_git_forgets_is_no_recovery(story: Story) -> None:
    """Its alarm ends in silence: nothing has become well."""
    story.bench.world.unwell = {"t1"}
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in (0, 2, 3, 4)], thing("t1", "2"))
    story.run()
    story.bench.world.unwell = set()
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in (0, 2, 3, 4)])
    assert names(story.run()) == ["RevisionApplied Box/a"]
    assert story.people.alarms == {}


def test_drift_that_is_repaired_is_told_with_what_was_found(story: Story) -> None:
    story.bench.world.values["thing/t1"] = "other"
    (event,) = story.run()
    assert (event.name, event.subject) == ("DriftRepaired", "Thing/t1")
    assert event.text == "value: 1 → other"
    assert story.run() == []


def test_drift_that_is_left_alone_is_told_until_it_is_gone(story: Story) -> None:
    """The same difference once; another one again."""
    report = {"argos.dev/drift": "report"}
    story.bench.source.commit(
        box(), *[thing(f"t{number}", "1") for number in (0, 2, 3, 4)], thing("t1", "1", report)
    )
    story.run()
    for value in ("other", "third"):
        story.bench.world.values["thing/t1"] = value
        (event,) = story.run()
        assert (event.name, event.text) == ("DriftDetected", f"value: 1 → {value}")
        assert story.run() == []
    story.bench.world.values["thing/t1"] = "1"
    assert names(story.run()) == ["DriftResolved Thing/t1"]


def test_a_blocked_plan_says_how_to_approve_it(story: Story) -> None:
    story.bench.source.commit(box())
    (event,) = story.run()
    digest = event.facts["digest"]
    assert (event.name, event.subject) == ("PassBlocked", "Box/a")
    assert event.text.endswith(f"argos-gitops apply --approve {digest[:12]}")
    assert story.run() == []
    assert names(story.run(approve=digest)) == ["RevisionApplied Box/a", "PassUnblocked Box/a"]


def test_what_is_suspended_is_told_and_what_is_resumed(story: Story) -> None:
    suspend = {"argos.dev/suspend": "true"}
    rest = [thing(f"t{number}", "1") for number in (0, 2, 3, 4)]
    story.bench.source.commit(box(), *rest, thing("t1", "1", suspend))
    assert names(story.run()) == ["Suspended Thing/t1"]
    assert story.run() == []
    story.bench.source.commit(box(), *rest, thing("t1", "1"))
    assert names(story.run()) == ["Resumed Thing/t1"]


def test_a_suspended_agent_is_one_matter(story: Story) -> None:
    """Not as many as it has targets and resources."""
    orders = Orders((Suspension(AGENT, "user/alice@desk", START, "holiday"),))
    suspended = replace(story.last, orders=orders)
    (event,) = story.people.hear(suspended, suspended)
    assert (event.subject, event.text) == (AGENT, "by user/alice@desk: holiday")
    assert names(story.people.hear(story.last)) == [f"Resumed {AGENT}"]


def test_going_back_from_a_revision_is_told_until_git_moves(story: Story) -> None:
    held = {
        BOX: TargetState(applied="1" * 40, held="2" * 40, result="RolledBack", message="failed its probes")
    }
    back = replace(story.last, targets=held)
    (event,) = story.people.hear(back, back)
    assert (event.name, event.title) == ("RolledBack", "Box/a went back from revision 2222222")
    on = replace(story.last, targets={BOX: TargetState(applied="3" * 40, result="Applied")})
    assert names(story.people.hear(on)) == ["RollbackEnded Box/a"]


def test_fm19_a_rewritten_history_is_told_once_for_each_tip(story: Story) -> None:
    rewritten = replace(story.last, events=("history_rewritten",))
    assert names(story.people.hear(rewritten, rewritten, replace(story.last))) == ["HistoryRewritten"]


def test_flapping_is_told_and_that_it_ended(story: Story) -> None:
    """Not each repair in between, nor each time that it waits for one."""
    key = ResourceKey("Thing", "t1")
    story.bench.world.values["thing/t1"] = "other"
    story.bench.apply()
    repaired = story.bench.listener.results[-1]
    flaps = Condition(key, "Flapping", Truth.TRUE, "ChangedByOthers")
    flapping = replace(repaired, conditions=(*repaired.conditions, flaps))
    (event,) = story.people.hear(flapping, flapping)
    assert (event.name, event.text) == ("Flapping", "value: 1 → other")
    story.bench.source.commit(box(), *[thing(f"t{number}", "1") for number in range(5)])
    assert names(story.run()) == ["FlappingEnded Thing/t1"]


@pytest.mark.parametrize("reason", ["Locked", "Interrupted", "LeaseLost"])
def test_a_pass_that_could_not_begin_says_nothing(story: Story, reason: str) -> None:
    """What stood before it still stands."""
    story.people.hear(replace(story.last, targets={BOX: TargetState(held="2" * 40)}))
    told = dict(story.people.alarms)
    assert story.people.hear(replace(story.last, result=reason, plan=None, resources=None)) == []
    assert story.people.alarms == told


def test_an_error_that_ends_a_pass_is_told_of_its_target(story: Story) -> None:
    """Also one that is nobody's plan, such as a world that keeps moving."""
    broken = {BOX: TargetState(result="StalePlan", message="kept moving")}
    (event,) = story.people.hear(
        replace(story.last, result="StalePlan", targets=broken, plan=None, target=BOX)
    )
    assert (event.name, event.text) == ("PassFailed", "kept moving")
    well = {BOX: TargetState(result="NoChange")}
    assert names(story.people.hear(replace(story.last, targets=well, target=BOX))) == ["PassRecovered Box/a"]


def test_a_pass_over_one_target_ends_nothing_of_another(tmp_path: Path) -> None:
    """Each pass speaks of what it was over alone."""
    bench = make_bench(tmp_path, worlds={"a": World(), "b": World()})
    bench.source.commit(box("a"), box("b"), thing("one", "1"), thing("two", "1", inside="b"))
    bench.worlds["a"].unwell = {"one"}
    bench.worlds["b"].unreachable = TransientError("no answer")
    people, desired = People(), bench.reconciler.read()
    heard = []
    for target in (ResourceKey("Box", "a"), ResourceKey("Box", "b"), ResourceKey("Box", "b")):
        told = len(bench.listener.results)
        bench.reconciler.over(desired, target, lambda plan: Approval(True))
        heard.append(names(people.hear(*bench.listener.results[told:])))
    assert heard == [
        ["RevisionApplied Box/a", "ResourceUnhealthy Thing/one"],
        ["TargetUnreachable Box/b"],
        [],
    ]


def test_a_target_that_left_git_ends_in_silence(story: Story) -> None:
    story.bench.world.unreachable = TransientError("no answer")
    story.run()
    other = {ResourceKey("Box", "b"): TargetState(result="NoChange")}
    assert story.people.hear(replace(story.last, plan=None, conditions=(), targets=other)) == []
    assert story.people.alarms == {}


def test_problems_are_listed_only_so_far(story: Story) -> None:
    story.bench.source.problems = [Problem(Location("a.yaml", line), "X", "y") for line in range(1, 31)]
    (event,) = story.run()
    assert event.text.splitlines()[-1] == "… and 20 more"
    assert ManifestError(story.bench.source.problems).problems
