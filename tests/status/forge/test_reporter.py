"""Passes as they are told on a real Gitea."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from argos_gitops.model.errors import ReportError, TransientError
from argos_gitops.status.forge.access import ForgeAccess, forge_of
from argos_gitops.status.forge.forge import Forge
from argos_gitops.status.forge.reporter import ForgeReporter
from tests.status import passes
from tests.status.forge.conftest import Project
from tests.status.forge.passes import ONE, TWO, agent, applied, drift, on, over, state

CHANGE = passes.change("a")


class SteppingClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class CountingForge:
    """Hands everything on, and counts what is asked and said."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object) -> object:
            if name not in ("branch_url", "close"):
                self.calls.append(name)
            return getattr(self._forge, name)(*arguments)

        return call


@pytest.fixture
def counting(forge: Forge) -> CountingForge:
    return CountingForge(forge)


@pytest.fixture
def reporter(counting: CountingForge) -> Callable[[], ForgeReporter]:
    """A new process of the same agent."""

    def make() -> ForgeReporter:
        return ForgeReporter("home", ForgeAccess(lambda _: counting, SteppingClock()))  # type: ignore[arg-type,return-value]

    return make


def test_fm11_one_status_per_commit_context_and_state(
    project: Project, reporter: Callable[[], ForgeReporter], counting: CountingForge
) -> None:
    """Many passes, drift among them, and restarts between: pending once, success once."""
    sha = project.commit({"a.yaml": b"a\n"})
    waiting = over(applied(sha, [CHANGE], project.spec), ONE, {ONE: state(sha), TWO: state("")})
    done = over(applied(sha, [CHANGE], project.spec, minutes=1), TWO, {ONE: state(sha), TWO: state(sha)})
    for _ in range(2):
        process = reporter()
        for result in (waiting, waiting):
            process.report(result)
    for _ in range(2):
        process = reporter()
        process.report(done)
        for minutes in range(5):
            result = applied(sha, [drift("b")], project.spec, minutes=minutes)
            process.report(over(result, ONE, {ONE: state(sha), TWO: state(sha)}))
    assert project.statuses(sha) == [
        ("pending", "applied to 1 of 2 targets"),
        ("success", "applied: 1 changed"),
    ]
    assert counting.calls.count("set_status") == 2


def test_fm11_every_failed_blocked_or_rejected_pass_is_told(
    project: Project, reporter: Callable[[], ForgeReporter]
) -> None:
    """Each with its reason, and the success that follows; a failure that stays the same only once."""
    sha = project.commit({"a.yaml": b"a\n"})
    process = reporter()
    results = (passes.blocked(CHANGE), passes.invalid(), passes.failing(CHANGE), passes.failing(CHANGE))
    for result in results:
        process.report(on(sha, result, project.spec))
    process.report(applied(sha, [CHANGE], project.spec))
    assert [(state, text.partition(":")[0]) for state, text in project.statuses(sha)] == [
        ("failure", "blocked"),
        ("failure", "invalid configuration"),
        ("failure", "failed"),
        ("success", "applied"),
    ]


def test_fm11_a_revision_rejected_right_after_a_start_is_told(
    project: Project, counting: CountingForge
) -> None:
    """The last good revision, which an earlier process applied, says where; without one, nobody knows."""
    bad = project.commit({"a.yaml": b"a\n"})
    for known in (None, agent(project.spec)):
        assert project.statuses(bad) == []
        access = ForgeAccess(lambda _: counting, SteppingClock(), lambda known=known: known)  # type: ignore[arg-type,return-value,misc]
        ForgeReporter("home", access).report(on(bad, passes.invalid(), project.spec))
    assert [state for state, _ in project.statuses(bad)] == ["failure"]


def test_the_plan_stands_on_the_pull_request_that_brought_the_commit(
    project: Project, reporter: Callable[[], ForgeReporter]
) -> None:
    """One comment: a section for each target, brought up to date in place, also by a new process."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    sha = project.merge(number)
    states = {ONE: state(sha), TWO: state(sha, "Blocked", "5 of 6 would go")}
    reporter().report(over(applied(sha, [CHANGE], project.spec), ONE, states))
    refused = replace(on(sha, passes.blocked(CHANGE), project.spec), targets=states, target=TWO)
    reporter().report(refused)
    [comment] = project.comments(number)
    assert f"Box/main · `{sha[:7]}`: applied: 1 changed" in comment.replace("\\", "")
    assert "5 of 6 would go" in comment
    assert "argos-gitops apply --approve" in comment
    states = {ONE: state(sha), TWO: state(sha)}
    reporter().report(over(applied(sha, [CHANGE], project.spec), TWO, states))
    [comment] = project.comments(number)
    assert "5 of 6" not in comment
    assert comment.count("~ Thing/a") == 2


def test_a_repair_later_on_leaves_the_comment_alone(
    project: Project, reporter: Callable[[], ForgeReporter], counting: CountingForge
) -> None:
    """Drift is no news for the pull request, and an idle pass asks the forge for nothing."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    sha = project.merge(number)
    process = reporter()
    process.report(applied(sha, [CHANGE], project.spec))
    before = project.comments(number)
    for one in (process, reporter()):
        for _ in range(3):
            one.report(applied(sha, [drift("b")], project.spec, minutes=5))
            one.report(applied(sha, [], project.spec, minutes=6))
        calls = len(counting.calls)
        one.report(applied(sha, [], project.spec, minutes=7))
        assert len(counting.calls) == calls
    assert project.comments(number) == before


def test_a_recovery_is_told_where_the_failure_was(
    project: Project, reporter: Callable[[], ForgeReporter]
) -> None:
    """Though nothing more is to do then."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    sha = project.merge(number)
    reporter().report(on(sha, passes.failing(CHANGE), project.spec))
    assert "no such module" in project.comments(number)[0]
    reporter().report(applied(sha, [], project.spec))
    [comment] = project.comments(number)
    assert "applied and healthy" in comment
    assert "failed:" not in comment.partition("\n\n")[0]


def test_without_a_forge_nothing_is_asked(
    reporter: Callable[[], ForgeReporter], counting: CountingForge
) -> None:
    """Nor for a plain folder, nor where both ways of telling are turned off."""
    process = reporter()
    process.report(applied("a" * 40, [CHANGE], None))
    process.report(passes.unreadable())
    assert counting.calls == []


def test_each_way_of_telling_can_be_turned_off(
    project: Project, reporter: Callable[[], ForgeReporter], counting: CountingForge
) -> None:
    """`commitStatus: false` and `comments: false`."""
    sha = project.commit({"a.yaml": b"a\n"})
    silent = project.spec.model_copy(update={"commit_status": False, "comments": False})
    reporter().report(applied(sha, [CHANGE], silent))
    assert counting.calls == []


def test_a_forge_that_is_down_is_an_error_for_the_caller_alone(project: Project) -> None:
    """Told again later, it loses nothing."""
    sha = project.commit({"a.yaml": b"a\n"})
    gone = project.url.replace(str(project.gitea.url), "http://127.0.0.1:9")
    access = ForgeAccess(lambda spec: forge_of(spec, gone, project), SteppingClock())
    with pytest.raises(TransientError, match="does not answer"):
        ForgeReporter("home", access).report(applied(sha, [CHANGE], project.spec))
    access.close()


def test_what_one_right_forbids_does_not_keep_the_rest(project: Project) -> None:
    """A token that may not comment still sets the status; the error names the missing right."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    sha = project.merge(number)
    token = project.gitea.token("admin", "write:repository,read:user")
    access = ForgeAccess(
        lambda spec: forge_of(spec, project.url, replace(project, token=token)), SteppingClock()
    )
    process = ForgeReporter("home", access)
    for _ in range(2):
        with pytest.raises(ReportError, match="write:issue"):
            process.report(applied(sha, [CHANGE], project.spec))
    assert [state for state, _ in project.statuses(sha)] == ["success"]
    access.close()


def test_fm13_no_secret_is_told(project: Project, reporter: Callable[[], ForgeReporter]) -> None:
    """The contents of a change hold one; the token is one."""
    project.commit({"a.yaml": b"a\n"}, branch="change")
    number = project.pull("change")
    sha = project.merge(number)
    reporter().report(on(sha, passes.failing(CHANGE), project.spec))
    told = str(project.statuses(sha)) + str(project.comments(number))
    assert "Thing/a" in told
    assert passes.CANARY not in told
    assert project.token not in told
