"""What becomes of Stacks that do not do well: waited for, told with their last words, and not fought."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import TransientError
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host, annotated, await_that

_SICK = """
services:
  web:
    image: stand-in/web:1
    environment: {SICK: "yes"}
"""
_WELL = _SICK.replace('"yes"', '""')
_NEVER = """
services:
  web:
    image: stand-in/sleep:1
    healthcheck: {test: ["CMD", "false"], interval: 1h, start_period: 1h}
"""
_CRASH = """
services:
  web: {image: "stand-in/sleep:1"}
  app: {image: "stand-in/crash:1", environment: {DATABASE: "db:1"}}
"""


def _one(host: Host) -> Outcome:
    (outcome,) = host.apply()
    return outcome


def test_a_service_that_is_unhealthy_fails_its_stack(host: Host, project: str) -> None:
    """At once, long before the Stack's time is over, and it stays known to be so."""
    host.want(host.stack(_SICK, project=project))
    outcome = _one(host)
    assert (outcome.result, outcome.reason) == (Result.FAILED, "HealthCheckFailed")
    assert "Stack/wiki service web" in outcome.message
    condition = host.conditions()["wiki"]
    assert (condition.status, condition.reason) == (Truth.FALSE, "HealthCheckFailed")
    assert host.plan() == ()  # it is what git wants: to write it again would help nobody
    (notice,) = host.provider.notices(host.wanted)
    assert (notice.reason, str(notice.subject)) == ("HealthCheckFailed", "Stack/wiki")


def test_a_service_that_ends_is_told_with_its_last_words(host: Host, project: str) -> None:
    """What its log says is what people need; the others of its Stack are no failures."""
    host.want(host.stack(_CRASH, project=project))
    outcomes = {each.change.object_id.rpartition("/")[2]: each for each in host.apply()}
    assert outcomes["app"].reason == "ContainerExited"
    assert "ended with code 1" in outcomes["app"].message
    assert "fatal: no database at db:1" in outcomes["app"].message
    assert (outcomes["web"].result, outcomes["web"].reason) in [
        (Result.DONE, ""),
        (Result.SKIPPED, "NotAwaited"),
    ]


def test_a_service_that_needs_too_long_fails_its_stack(host: Host, project: str) -> None:
    """Neither healthy nor unhealthy within the Stack's own time."""
    host.want(host.stack(_NEVER, project=project, health={"timeout": "2s"}))
    outcome = _one(host)
    assert outcome.reason == "NotHealthyInTime"
    assert "has not passed yet, 2 s after the change" in outcome.message
    condition = host.conditions()["wiki"]
    assert (condition.status, condition.reason) == (Truth.UNKNOWN, "Starting")


def test_a_restart_loop_is_told_and_not_fought(host: Host, project: str, dockerd: RealDockerd) -> None:
    """The engine starts it again and again: nothing that we write would help."""
    looping = _CRASH.replace('"stand-in/crash:1",', '"stand-in/crash:1", restart: always,')
    host.want(host.stack(looping, project=project))
    outcomes = {each.change.object_id.rpartition("/")[2]: each for each in host.apply()}
    assert (outcomes["app"].result, outcomes["app"].reason) == (Result.FAILED, "RestartLoop")
    assert "fatal: no database" in outcomes["app"].message
    await_that(lambda: host.plan() == () and bool(host.provider.notices(host.wanted)), "the loop is noticed")
    for _ in range(5):
        assert host.plan() == ()
        (notice,) = host.provider.notices(host.wanted)
        assert notice.reason == "RestartLoop"
    assert host.conditions()["wiki"].reason == "RestartLoop"


def test_the_same_failure_is_told_in_the_same_words(host: Host, project: str) -> None:
    """Or each pass would have news for the status branch."""
    talking = _SICK.replace(
        "environment", 'command: ["sh", "-c", "while :; do date +%s%N; done"]\n    environment'
    )
    host.want(host.stack(talking, project=project)).apply()
    told = set()
    for _ in range(3):
        host.plan()
        told |= {notice.message for notice in host.provider.notices(host.wanted)}
    assert len(told) == 1


def test_fm08_a_newer_revision_ends_the_wait(host: Host, project: str) -> None:
    """Bad, then good while the bad one is waited for: the good one starts within one step."""
    superseded = threading.Event()
    host.outdated = superseded.is_set
    host.want(host.stack(_NEVER, project=project, health={"timeout": "1h"}))
    failures: list[TransientError] = []

    def apply() -> None:
        try:
            host.apply()
        except TransientError as error:
            failures.append(error)

    applying = threading.Thread(target=apply)
    applying.start()
    superseded.set()
    applying.join(60)
    assert not applying.is_alive()
    assert [failure.reason for failure in failures] == ["Superseded"]
    host.outdated = lambda: False
    host.want(host.stack(_WELL, project=project))
    assert _one(host).result is Result.DONE
    assert host.conditions()["wiki"].status is Truth.TRUE


def test_fm21_a_dependent_waits_for_the_same_revision(host: Host, project: str, dockerd: RealDockerd) -> None:
    """B follows A: not while A is sick as this revision has it, although it was well before."""
    first = host.stack(_WELL, name="a", project=project)
    other = f"{project}-b"
    second = annotated(host.stack(_WELL, name="b", project=other), dependsOn="Stack/a")
    with _removed(dockerd, other):
        host.want(first, second)
        assert {each.change.owner.name: each.result for each in host.apply()} == {
            "a": Result.DONE,
            "b": Result.DONE,
        }
        sick = host.stack(_SICK, name="a", project=project)
        moved = annotated(
            host.stack(_WELL.replace('""', '"" , MOVED: "yes"'), name="b", project=other), dependsOn="Stack/a"
        )
        host.want(sick, moved)
        outcomes = {each.change.owner.name: each for each in host.apply()}
        assert outcomes["a"].result is Result.FAILED
        assert (outcomes["b"].result, outcomes["b"].reason) == (Result.SKIPPED, "DependencyNotReady")
        assert outcomes["b"].message.startswith("Stack/b waits for Stack/a: ")
        assert {each.owner.name for each in host.plan()} == {"b"}
        (waits,) = host.apply()  # a is not changed any more, and still sick
        assert waits.reason == "DependencyNotReady"
        host.want(first, moved)
        assert {each.change.owner.name: each.result for each in host.apply()} == {
            "a": Result.DONE,
            "b": Result.DONE,
        }


def test_fm21_independent_stacks_go_on(host: Host, project: str, dockerd: RealDockerd) -> None:
    """A Stack that fails stops those that depend on it, and no other."""
    other = f"{project}-b"
    with _removed(dockerd, other):
        host.want(host.stack(_SICK, name="a", project=project), host.stack(_WELL, name="b", project=other))
        results = {each.change.owner.name: each.result for each in host.apply()}
        assert results == {"a": Result.FAILED, "b": Result.DONE}


def test_fm13_no_secret_is_in_what_is_told(host: Host, project: str, tmp_path: Path) -> None:
    """A value before and after, in the environment, in an address, and in what the service logs."""
    canary, next_one = "cAnArY-one-7c21", "cAnArY-two-9f04"
    compose = """
services:
  web:
    image: stand-in/sleep:1
    environment: {PLAIN: "${CANARY}", ADDRESS: "db://user:${CANARY}@db"}
    command: ["sh", "-c", "echo canary is $$PLAIN and $$ADDRESS; exit 3"]
"""
    told = ""
    for value in (canary, next_one):
        host.surroundings.environment["CANARY"] = value
        host.restart()
        host.want(host.stack(compose, project=project, environment={"CANARY": {"env": "CANARY"}}))
        host.provider.fingerprint(host.wanted)
        told += str(host.plan())
        told += str(host.apply())
        told += str(host.plan())
        told += str(host.conditions())
        told += str(host.provider.notices(host.wanted))
        told += str(host.provider.attribute(host.provider.observe(), host.plan()))
        assert "canary is" in told
    kept = "".join(
        path.read_text("utf-8", "replace") for path in (tmp_path / "cache").rglob("*") if path.is_file()
    )
    for value in (canary, next_one):
        assert value not in told
        assert value not in kept


def test_fm13_a_rotated_secret_is_a_change(host: Host, project: str) -> None:
    """Told by the variable's name alone, and nothing is left to do afterwards."""
    compose = _WELL.replace("SICK:", "PLACE: here, TOKEN: '${TOKEN}', SICK:")
    stack = host.stack(compose, project=project, environment={"TOKEN": {"env": "TOKEN"}})
    host.surroundings.environment["TOKEN"] = "first"
    host.restart()
    host.want(stack).apply()
    before = host.provider.fingerprint(host.wanted)
    host.surroundings.environment["TOKEN"] = "second"
    host.restart()
    assert host.provider.fingerprint(host.wanted) != before
    assert host.fields() == {"web: env TOKEN": ("********", "******** (changed)")}
    assert _one(host).result is Result.DONE
    assert host.plan() == ()


@contextmanager
def _removed(dockerd: RealDockerd, project: str) -> Iterator[None]:
    try:
        yield
    finally:
        dockerd.clean(project=project)


@pytest.mark.parametrize("timeout", ["30s"])
def test_a_stack_without_checks_has_to_run_for_a_while(host: Host, project: str, timeout: str) -> None:
    """A service that ends a moment after its start is not called well."""
    brief = 'services: {web: {image: "stand-in/sleep:1", command: ["sh", "-c", "sleep 1; exit 4"]}}'
    host.want(host.stack(brief, project=project, health={"timeout": timeout}))
    assert _one(host).reason == "ContainerExited"
