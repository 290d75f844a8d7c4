"""Restarting the services of a Stack on a real engine, one after the other."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from argos_gitops.model.errors import TransientError
from argos_gitops.model.resource import EagerResources, Resource
from argos_gitops.ports.job import Deed, JobReport
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.schedules import ScheduleSpec
from argos_gitops.providers.docker.upkeep.jobs import jobs_of
from tests.components.docker import RealDockerd
from tests.fakes import resource
from tests.providers.docker.host import Host, annotated
from tests.providers.docker.upkeep.test_cleaning import an_occasion

_TWO = """
services:
  a:
    image: stand-in/web:1
    environment: {PORT: "8001"}
    restart: unless-stopped
    depends_on: [b]
  b:
    image: stand-in/sleep:1
    restart: always
  once:
    image: stand-in/sleep:1
    command: ["true"]
"""


def _started(dockerd: RealDockerd, project: str) -> Mapping[str, str]:
    """When each service's container was last started."""
    found: dict[str, str] = {}
    for service in ("a", "b", "once"):
        state: dict[str, Any] = json.loads(dockerd.run("inspect", f"{project}-{service}-1"))[0]["State"]
        found[service] = state["StartedAt"]
    return found


def _run(
    host: Host, stacks: Sequence[Resource[StackSpec]], go_on: Callable[[], None] = lambda: None, **spec: Any
) -> JobReport:
    wanted = {"cron": "0 3 * * *", "restart": {"timeout": "60s"}, "select": {"hosts": ["nas"]}, **spec}
    schedule = resource("Schedule", "weekly", ScheduleSpec.model_validate(wanted))
    given: Sequence[Any] = [host.target, schedule, *stacks]
    (job,) = jobs_of(EagerResources(given, "f"), host.context)
    return job.run(an_occasion(go_on))


def test_services_are_restarted_one_by_one(host: Host, dockerd: RealDockerd, project: str) -> None:
    """What others depend on goes first; what has ended is not started again; containers stay the same."""
    stack = host.stack(_TWO, project=project)
    host.want(stack).apply()
    before = _started(dockerd, project)
    report = _run(host, [stack])
    assert (report.ok, report.reason) == (True, "Restarted")
    assert report.message == f"restarted {project}/b, {project}/a"
    after = _started(dockerd, project)
    assert after["once"] == before["once"]
    assert before["b"] < after["b"] < after["a"]
    assert host.plan() == ()


def test_only_what_is_selected_and_not_suspended_is_restarted(
    host: Host, dockerd: RealDockerd, project: str
) -> None:
    stack = host.stack(_TWO, project=project)
    host.want(stack).apply()
    before = _started(dockerd, project)
    suspended = _run(host, [annotated(stack, suspend="true")])
    assert suspended.message == "restarted nothing"
    report = _run(host, [stack], select={"stacks": ["wiki"], "services": ["b"]})
    after = _started(dockerd, project)
    assert report.deeds == (Deed("restart", f"stack/{project}/b"),)
    assert (after["a"], after["b"] > before["b"]) == (before["a"], True)


def test_a_service_that_does_not_come_back_ends_the_run(
    host: Host, dockerd: RealDockerd, project: str
) -> None:
    """The others still run, and it is said which one it was."""
    stack = host.stack(_TWO, project=project)
    host.want(stack).apply()
    dockerd.run("exec", f"{project}-a-1", "touch", "/tmp/sick")  # noqa: S108 # in a container
    before = _started(dockerd, project)
    report = _run(host, [stack], restart={"timeout": "5s"}, select={"stacks": ["wiki"], "services": ["a"]})
    assert (report.ok, report.reason) == (False, "RestartFailed")
    assert f"stack/{project}/a: " in report.message
    assert _started(dockerd, project)["b"] == before["b"]


def test_a_run_that_has_to_stop_says_so(host: Host, dockerd: RealDockerd, project: str) -> None:
    stack = host.stack(_TWO, project=project)
    host.want(stack).apply()

    def stop() -> None:
        raise TransientError("the agent ends", reason="Interrupted")

    report = _run(host, [stack], stop)
    assert (report.ok, report.reason, report.deeds) == (False, "Interrupted", ())
