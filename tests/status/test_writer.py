"""Reports on a real branch: what is committed, and when."""

from dataclasses import replace

import git
import pytest

from argos_gitops.model.agent import AgentSpec, StatusBranchSpec
from argos_gitops.model.change import Cause
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import ReportError
from argos_gitops.model.plan import Held, SystemPlan
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.ports.report import PassResult
from argos_gitops.status.tree import parse_status
from tests.components.git import Origin
from tests.planning.plans import assemble
from tests.status.branches import REF, Writer, commits, paths, plans
from tests.status.passes import (
    CANARY,
    START,
    SYSTEM,
    a_pass,
    blocked,
    change,
    failing,
    invalid,
    sha_of,
    unreadable,
)


def test_the_first_report_makes_an_orphan_branch_with_every_document(origin: Origin, writer: Writer) -> None:
    origin.commit({"config.yaml": b"x"})
    writer().report(a_pass(1, [change("a")]))
    assert paths(origin) == [
        "README.md",
        "drift.md",
        "plans/20260102T030405Z-0000001.md",
        "resources/Thing/a.yaml",
        "resources/Thing/b.yaml",
        "status.yaml",
    ]
    assert commits(origin) == 1
    assert "config.yaml" not in paths(origin)
    assert origin.git("log", "-1", "--format=%(trailers:only)", REF).splitlines() == [
        "Argos-Instance: home",
        f"Argos-Revision: {sha_of(1)}",
        "Argos-Result: Applied",
    ]


def test_a_person_reads_revision_health_and_last_changes_on_one_page(origin: Origin, writer: Writer) -> None:
    writer().report(a_pass(1, [change("a")]))
    page = origin.file(REF, "README.md")
    for text in (
        "# home",
        "**Synced**",
        "`0000001` move grafana (`main`)",
        "3 of 3 ready",
        "| Drift | none |",
    ):
        assert text in page
    assert "[1 to change](plans/20260102T030405Z-0000001.md)" in page


def test_a_program_reads_the_same(origin: Origin, writer: Writer) -> None:
    writer().report(a_pass(1, [change("a")]))
    status = parse_status(origin.file(REF, "status.yaml").encode())
    assert (status["instance"], status["state"]) == ("home", "Synced")
    assert status["revisions"] == {
        "attempted": sha_of(1),
        "applied": sha_of(1),
        "healthy": sha_of(1),
        "appliedAt": "2026-01-02T03:04:05Z",
    }
    resource = parse_status(origin.file(REF, "resources/Thing/a.yaml").encode())
    assert (resource["source"], resource["applied"], resource["observed"]) == (
        "things/a.yaml",
        "d",
        "in sync",
    )


def test_fm05_a_hundred_idle_passes_make_no_commit(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1, [change("a")]))
    for minute in range(1, 101):
        agent.report(a_pass(1, minutes=minute))
    assert commits(origin) == 1


def test_fm05_nor_do_they_in_processes_of_their_own(origin: Origin, writer: Writer) -> None:
    writer().report(a_pass(1, [change("a")]))
    for minute in range(1, 6):
        writer().report(a_pass(1, minutes=minute))
        writer("another machine").report(a_pass(1, minutes=minute))
    assert commits(origin) == 1


def test_times_alone_are_no_reason_to_commit(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1, [change("a")]))
    idle = a_pass(1, minutes=5)
    later = [replace(condition, since=idle.at) for condition in idle.conditions]
    agent.report(replace(idle, conditions=later))
    assert commits(origin) == 1


def test_a_repeated_report_costs_no_git_process(
    origin: Origin, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown by taking git away."""
    agent = writer(pause=lambda seconds: None)
    agent.report(a_pass(1))
    monkeypatch.setattr(git.Git, "GIT_PYTHON_GIT_EXECUTABLE", "/nowhere/git")
    agent.report(a_pass(1, minutes=1))
    with pytest.raises(ReportError):
        agent.report(a_pass(2, minutes=2))


def test_a_changed_resource_rewrites_its_document_alone(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1, names=[f"t{number}" for number in range(50)]))
    result = a_pass(1, names=[f"t{number}" for number in range(50)], minutes=1)
    key = ResourceKey("Thing", "t7")
    sick = Condition(key, "Ready", Truth.FALSE, "ProbeFailed", "answered 502", START)
    agent.report(replace(result, conditions=[sick if c.subject == key else c for c in result.conditions]))
    changed = origin.git("diff", "--name-only", f"{REF}~1", REF).split()
    assert changed == ["README.md", "resources/Thing/t7.yaml", "status.yaml"]
    assert "Thing/t7 Ready\\=False \\(ProbeFailed\\): answered 502" in origin.file(REF, "README.md").replace(
        "\\:", ":"
    )


def test_a_removed_resource_loses_its_document(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1, names=["a", "b"]))
    agent.report(a_pass(2, names=["b"], minutes=1))
    assert "resources/Thing/a.yaml" not in paths(origin)
    assert "resources/Thing/b.yaml" in paths(origin)


def test_a_rejected_revision_is_told_and_leaves_the_resources_as_they_were(
    origin: Origin, writer: Writer
) -> None:
    agent = writer()
    agent.report(a_pass(1, [change("a")]))
    before = origin.git("rev-parse", f"{REF}:resources")
    agent.report(invalid(minutes=1))
    assert origin.git("rev-parse", f"{REF}:resources") == before
    status = parse_status(origin.file(REF, "status.yaml").encode())
    assert status["state"] == "InvalidConfiguration"
    assert status["problems"] == ["things/a.yaml:3:7 ARG101 unknown field 'valeu' (did you mean value?)"]
    assert status["resources"] == {"total": 3, "ready": 3, "notReady": 0}
    assert status["conditions"]
    agent.report(invalid(minutes=2))
    assert commits(origin) == 2


def test_fm01_a_source_error_is_told_and_keeps_what_was_known(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1, [change("a")]))
    for minute in range(1, 4):
        agent.report(unreadable(minutes=minute))
    status = parse_status(origin.file(REF, "status.yaml").encode())
    assert status["state"] == "SourceError"
    assert status["revision"] == {"sha": sha_of(1), "ref": "main", "subject": "move grafana"}
    assert commits(origin) == 2
    agent.report(a_pass(1, minutes=5))
    assert parse_status(origin.file(REF, "status.yaml").encode())["state"] == "Synced"


def test_a_blocked_plan_has_a_page_once_however_long_it_stays_blocked(origin: Origin, writer: Writer) -> None:
    for minute in range(4):
        writer().report(blocked(change("a"), minutes=minute))
    assert plans(origin) == ["plans/20260102T030405Z-0000002.md"]
    assert commits(origin) == 1
    assert "5 of 6 would go" in origin.file(REF, "README.md")
    assert "Blocked" in origin.file(REF, plans(origin)[0])


def test_a_failed_change_is_told_with_its_reason(origin: Origin, writer: Writer) -> None:
    writer().report(failing(change("a")))
    page = origin.file(REF, plans(origin)[0])
    assert "0 done, 1 not done." in page
    assert "no such module" in page
    document = parse_status(origin.file(REF, "resources/Thing/a.yaml").encode())
    assert document["observed"] == "differs"
    assert document["changes"] == [
        {
            "object": "thing/a",
            "action": "update",
            "cause": "revision",
            "state": "failed",
            "fields": [{"name": "value", "before": "1", "after": "2"}],
        }
    ]


def test_drift_is_told_from_its_first_sight_to_its_repair(origin: Origin, writer: Writer) -> None:
    drifted = change("a", Cause.DRIFT)
    open_drift = a_pass(1, [drifted], results=None)
    writer().report(open_drift)
    assert "Since 2026\\-01" not in origin.file(REF, "drift.md")
    assert "Since 2026-01-02 03:04:05 UTC." in origin.file(REF, "drift.md")
    assert "[1 open](drift.md)" in origin.file(REF, "README.md")
    writer().report(a_pass(1, [drifted], minutes=3))
    page = origin.file(REF, "drift.md")
    assert "Nothing drifts." in page
    assert "Since 2026-01-02 03:04:05 UTC; repaired 2026-01-02 03:07:05 UTC." in page
    assert "| value | 2 | 1 |" in page
    count = commits(origin)
    writer().report(a_pass(1, minutes=4))
    assert commits(origin) == count


def test_drift_tells_where_it_came_from_and_why_it_stays(origin: Origin, writer: Writer) -> None:
    """A later process that knows less of it does not take its story away."""
    story = replace(change("a", Cause.DRIFT), note="changed through the front door at 14:02")
    for number, known in enumerate((story, replace(story, note="changed through a door"))):
        held = Held(known, "Reported", "drift is reported", intended=True)
        result = a_pass(1, minutes=number)
        assert result.revision is not None
        plan = assemble(result.revision, [SystemPlan(SYSTEM, held=(held,))])
        writer().report(replace(result, plan=plan))
        page = origin.file(REF, "drift.md")
        assert "Since 2026-01-02 03:04:05 UTC; not repaired: Reported." in page
        assert "changed through the front door at 14:02" in page.replace("\\", "")
    assert "changed through the front door" in origin.file(REF, "status.yaml")


def test_old_plans_go(origin: Origin, writer: Writer) -> None:
    agent = writer()
    for minute in range(6):
        agent.report(_with_agent(a_pass(1, [change("a", after=str(minute))], minutes=minute), keep_plans=3))
    assert [path[6:21] for path in plans(origin)] == ["20260102T030705", "20260102T030805", "20260102T030905"]


def _with_agent(result: PassResult, **status: object) -> PassResult:
    """The same pass of a repository that has an Agent."""
    spec = AgentSpec(status=StatusBranchSpec.model_validate(status, by_name=True))
    agent: AnyResource = Resource(ResourceKey("Agent", "agent"), spec, Location("agent.yaml"), "d")
    assert result.resources is not None
    resources = EagerResources([*result.resources, agent], result.resources.fingerprint)
    return replace(result, resources=resources)


def test_the_agent_resource_names_the_branch_or_turns_it_off(origin: Origin, writer: Writer) -> None:
    writer().report(_with_agent(a_pass(1), branch="state/{instance}"))
    assert origin.tip("refs/heads/state/home")
    writer("off", "other").report(_with_agent(a_pass(1), enabled=False))
    assert origin.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/state/home"]


def test_while_the_agent_resource_is_unknown_no_branch_is_begun(origin: Origin, writer: Writer) -> None:
    """It may have been turned off, or called something else."""
    writer().report(unreadable())
    assert origin.tip(REF) is None
    writer().report(a_pass(1))
    writer().report(unreadable(minutes=1))
    assert commits(origin) == 2


@pytest.mark.parametrize(
    "name", ["a b", "../x", "a..b", "-x", "main.lock", "a\nfrom refs/heads/main", "main"]
)
def test_a_name_that_is_no_status_branch_is_refused(origin: Origin, writer: Writer, name: str) -> None:
    config = origin.commit({"config.yaml": b"x"})
    with pytest.raises(ReportError):
        writer().report(_with_agent(a_pass(1), branch=name))
    assert origin.git("for-each-ref", "--format=%(objectname)").split() == [config]


@pytest.mark.parametrize("result", ["Locked", "Declined"])
def test_a_pass_that_says_nothing_about_the_world_is_not_told(
    origin: Origin, writer: Writer, result: str
) -> None:
    writer().report(replace(a_pass(1), result=result))
    assert origin.tip(REF) is None


def test_fm13_contents_that_may_hold_secrets_are_never_written(origin: Origin, writer: Writer) -> None:
    agent = writer()
    for number, result in enumerate(
        (
            a_pass(1, [change("a"), change("b", Cause.DRIFT)]),
            a_pass(1, [change("a", Cause.DRIFT)], results=None),
            failing(change("a")),
            blocked(change("a")),
        )
    ):
        agent.report(replace(result, at=a_pass(minutes=number).at))
    assert CANARY not in origin.git("log", "-p", "--all")
    assert commits(origin) == 4


def test_values_from_live_systems_cannot_forge_the_page(origin: Origin, writer: Writer) -> None:
    hostile = "x | y\n## Forged <script>alert(1)</script> [link](javascript:1) `code`"
    writer().report(a_pass(1, [change("a", Cause.DRIFT, after=hostile)], results=None))
    page = origin.file(REF, "drift.md")
    assert "\n## Forged" not in page
    assert "<script>" not in page
    assert "](javascript" not in page


def test_the_target_is_listed_with_its_condition(origin: Origin, writer: Writer) -> None:
    writer().report(a_pass(1))
    status = parse_status(origin.file(REF, "status.yaml").encode())
    assert status["conditions"] == [
        {
            "subject": str(SYSTEM.target),
            "type": "Ready",
            "status": "True",
            "reason": "Applied",
            "since": "2026-01-02T03:04:05Z",
        }
    ]
