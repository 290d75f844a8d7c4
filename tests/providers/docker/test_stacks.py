"""Stacks on a real engine: applied, looked at again, drifted, repaired and removed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from argos_gitops.model.change import Action, Cause, Change, Outcome, Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import StalePlanError
from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.kinds import StackSpec
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host, annotated, await_that

_WEB = """
services:
  web:
    image: stand-in/web:1
    environment: {PORT: "80"}
    restart: unless-stopped
"""
_TWO = """
services:
  web:
    image: stand-in/web:1
    environment: {GREETING: hello}
    restart: unless-stopped
    depends_on: [db]
  db:
    image: stand-in/sleep:1
    mem_limit: 64m
    restart: always
"""


def _results(outcomes: Sequence[Outcome]) -> dict[str, Result]:
    """By service; what failed says why in the report of a failed test."""
    for each in outcomes:
        print(each.reason, each.message)  # noqa: T201
    return {each.change.object_id.rpartition("/")[2]: each.result for each in outcomes}


def _inspect(dockerd: RealDockerd, container: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(dockerd.run("inspect", container))
    return found[0]


def _identity(dockerd: RealDockerd, container: str) -> str:
    return str(_inspect(dockerd, container)["Id"])


def _only(changes: Sequence[Change]) -> Change:
    (change,) = changes
    return change


def test_a_stack_is_started_and_then_as_it_should_be(host: Host, project: str) -> None:
    """The plan names the services, the outcome waits for their health, and nothing is left to do."""
    host.want(host.stack(_TWO, project=project))
    plan = host.plan()
    assert [change.object_id for change in plan] == [f"stack/{project}/db", f"stack/{project}/web"]
    assert {change.action for change in plan} == {Action.CREATE}
    assert plan[0].location is not None
    assert plan[0].location.path.endswith("compose.yaml")
    assert _results(host.apply()) == {"db": Result.DONE, "web": Result.DONE}
    assert host.plan() == ()
    condition = host.conditions()["wiki"]
    assert (condition.status, condition.reason) == (Truth.TRUE, "Healthy")


def test_a_service_that_changes_leaves_the_others_running(
    host: Host, project: str, dockerd: RealDockerd
) -> None:
    """Only what changed is made anew, and people read what it was and what it will be."""
    host.want(host.stack(_TWO, project=project)).apply()
    before = _identity(dockerd, f"{project}-db-1")
    changed = _TWO.replace("GREETING: hello", "GREETING: bye, COLOR: red").replace("unless-stopped", "always")
    host.want(host.stack(changed, project=project))
    assert host.fields() == {
        "web: restart policy": ("unless-stopped", "always"),
        "web: env COLOR": (None, "set"),
        "web: env GREETING": ("set", "set to another value"),
    }
    assert _only(host.plan()).cause is Cause.REVISION
    assert _results(host.apply()) == {"web": Result.DONE}
    assert _identity(dockerd, f"{project}-db-1") == before
    assert host.plan() == ()


def test_a_dependency_that_may_be_missing_is_none(host: Host, project: str) -> None:
    """It is of a profile that the Stack does not name: Compose starts the others without it."""
    compose = """
services:
  web:
    image: stand-in/web:1
    depends_on:
      opt: {condition: service_started, required: false}
      db: {condition: service_started}
  db: {image: stand-in/sleep:1}
  opt: {image: stand-in/sleep:1, profiles: [more]}
"""
    host.want(host.stack(compose, project=project))
    assert _results(host.apply()) == {"db": Result.DONE, "web": Result.DONE}
    assert host.plan() == ()
    assert host.provider.notices(host.wanted) == ()
    host.want(host.stack(compose, project=project, profiles=["more"]))
    assert [change.object_id.rpartition("/")[2] for change in host.plan()] == ["opt"]


def test_a_stack_that_cannot_be_worked_out_is_told_as_that(host: Host, project: str) -> None:
    """Never as one of which nothing is to do."""
    host.want(host.stack(_WEB, project=project, environment={"PW": {"env": "NOBODY_SET_IT"}}))
    assert host.plan() == ()
    (notice,) = host.provider.notices(host.wanted)
    assert (str(notice.subject), notice.unplanned) == ("Stack/wiki", True)


def test_every_field_that_changes_is_in_the_plan(host: Host, project: str) -> None:
    """Also those of which people see no value, beside others that they do see."""
    more = """
    restart: always
    sysctls: {net.core.somaxconn: 1024}
    ulimits: {nofile: 1024}
    hostname: other
    extra_hosts: ["db:10.0.0.1"]
    shm_size: 64m
    healthcheck: {test: ["CMD", "true"], interval: 2s}
"""
    with_check = _WEB + "    healthcheck: {test: [CMD, 'true'], interval: 1s}\n"
    host.want(host.stack(with_check, project=project)).apply()
    host.want(host.stack(_WEB.replace("    restart: unless-stopped\n", more), project=project))
    assert host.fields() == {
        "web: restart policy": ("unless-stopped", "always"),
        "web: extra_hosts": (None, "set"),
        "web: healthcheck": ("set", "set to another value"),
        "web: hostname": (None, "set"),
        "web: shm_size": (None, "set"),
        "web: sysctls": (None, "set"),
        "web: ulimits": (None, "set"),
    }


def test_a_stopped_service_is_drift_and_started_again(host: Host, project: str, dockerd: RealDockerd) -> None:
    """The same container, with how it came to its end."""
    host.want(host.stack(_WEB, project=project)).apply()
    before = _identity(dockerd, f"{project}-web-1")
    dockerd.run("kill", f"{project}-web-1")
    await_that(lambda: host.plan() != (), "the stop is seen")
    change = _only(host.plan())
    assert change.cause is Cause.DRIFT
    assert [(each.name, each.before, each.after) for each in change.fields] == [
        ("state", "exited (137)", "running")
    ]
    (note,) = host.provider.attribute(host.provider.observe(), [change]).values()
    assert note.startswith(f"{project}-web-1 ended with code 137 at ")
    assert _results(host.apply()) == {"web": Result.DONE}
    assert _identity(dockerd, f"{project}-web-1") == before
    assert host.plan() == ()


def test_a_paused_service_goes_on(host: Host, project: str, dockerd: RealDockerd) -> None:
    """Compose alone would fail to start it."""
    host.want(host.stack(_WEB, project=project)).apply()
    dockerd.run("pause", f"{project}-web-1")
    assert _results(host.apply()) == {"web": Result.DONE}
    assert host.plan() == ()


def test_a_removed_container_is_made_again(host: Host, project: str, dockerd: RealDockerd) -> None:
    host.want(host.stack(_WEB, project=project)).apply()
    dockerd.run("rm", "--force", f"{project}-web-1")
    change = _only(host.plan())
    assert (change.action, change.cause) == (Action.CREATE, Cause.DRIFT)
    assert _results(host.apply()) == {"web": Result.DONE}
    assert host.plan() == ()


def test_replicas_are_counted(host: Host, project: str, dockerd: RealDockerd) -> None:
    """One that is missing is drift, and fewer in git means fewer there."""
    scaled = _WEB.replace("restart: unless-stopped", "deploy: {replicas: 3}")
    host.want(host.stack(scaled, project=project)).apply()
    dockerd.run("rm", "--force", f"{project}-web-2")
    assert host.fields() == {"web: replicas": ("2", "3")}
    host.apply()
    assert host.plan() == ()
    host.want(host.stack(scaled.replace("3", "2"), project=project))
    assert host.fields() == {"web: replicas": ("3", "2")}
    host.apply()
    assert host.plan() == ()
    assert (
        len(dockerd.run("ps", "-q", "--filter", f"label=com.docker.compose.project={project}").split()) == 2
    )


def test_a_job_that_ended_well_is_done(host: Host, project: str) -> None:
    """Exit code 0 without a policy that asks for more; what waits for it is started."""
    job = """
services:
  migrate: {image: "stand-in/sleep:1", command: ["true"]}
  web:
    image: stand-in/web:1
    depends_on: {migrate: {condition: service_completed_successfully}}
"""
    host.want(host.stack(job, project=project))
    assert _results(host.apply()) == {"migrate": Result.DONE, "web": Result.DONE}
    assert host.plan() == ()


@pytest.mark.parametrize("argument", ["--memory=32m", "--restart=no"])
def test_limits_changed_in_place_are_drift(
    host: Host, project: str, dockerd: RealDockerd, argument: str
) -> None:
    """No label and no list shows it: the deep look does, and a new container puts it right."""
    host.want(host.stack(_TWO, project=project)).apply()
    assert host.plan() == ()
    assert not host.provider.moved("containers")
    dockerd.run("update", argument, f"{project}-db-1")
    assert not host.provider.moved("docker")
    assert host.provider.moved("containers")
    change = _only(host.plan())
    assert (change.object_id, change.cause) == (f"stack/{project}/db", Cause.DRIFT)
    assert _results(host.apply()) == {"db": Result.DONE}
    assert host.plan() == ()


def test_a_lost_network_is_drift(host: Host, project: str, dockerd: RealDockerd) -> None:
    host.want(host.stack(_WEB, project=project)).apply()
    dockerd.run("network", "disconnect", f"{project}_default", f"{project}-web-1")
    assert host.fields() == {"web: networks": (None, f"{project}_default")}
    assert _results(host.apply()) == {"web": Result.DONE}
    assert host.plan() == ()


def test_a_stack_that_leaves_git_is_taken_down(host: Host, project: str, dockerd: RealDockerd) -> None:
    """Containers and networks go without its files; its volumes and everything else stay."""
    with_volume = _TWO + '    volumes: ["data:/data"]\nvolumes: {data: {}}\n'
    host.want(host.stack(with_volume, project=project)).apply()
    dockerd.run("run", "--detach", "--name", f"{project}-other", dockerd.sleep)
    host.restart()
    host.want()
    plan = host.plan()
    assert {change.object_id for change in plan} == {f"stack/{project}/db", f"stack/{project}/web"}
    assert {change.action for change in plan} == {Action.DELETE}
    assert _results(host.apply()) == {"db": Result.DONE, "web": Result.DONE}
    assert host.plan() == ()
    of_project = ["--filter", f"label=com.docker.compose.project={project}"]
    assert dockerd.run("ps", "--all", "--quiet", *of_project) == ""
    assert dockerd.run("network", "ls", "--quiet", *of_project) == ""
    assert dockerd.run("volume", "ls", "--quiet", *of_project) == f"{project}_data"
    assert dockerd.run("rm", "--force", f"{project}-other") == f"{project}-other"


def test_what_nobody_declares_is_not_even_told(host: Host, project: str, dockerd: RealDockerd) -> None:
    """Neither containers by hand nor projects of others are changes, now or when a Stack goes."""
    host.want(host.stack(_WEB, project=project, name="foreign")).apply()
    host.inventory.clear()
    host.restart()
    host.want()
    assert host.plan() == ()
    assert _identity(dockerd, f"{project}-web-1")


def test_a_project_that_ran_before_is_taken_over(host: Host, project: str, dockerd: RealDockerd) -> None:
    """As it is where it is right already; else the plan says that it was there without us."""
    host.want(host.stack(_WEB, project=project)).apply()
    before = _identity(dockerd, f"{project}-web-1")
    host.inventory.clear()
    assert host.plan() == ()
    assert set(host.inventory) == {f"stack/{project}/web", f"project-network/{project}_default"}
    host.inventory.clear()
    host.want(host.stack(_WEB.replace("80", "81"), project=project))
    change = _only(host.plan())
    assert change.action is Action.UPDATE
    assert "without our mark" in change.note
    assert _identity(dockerd, f"{project}-web-1") == before


@pytest.mark.parametrize("orphans", ["keep", "remove"])
def test_orphans_go_by_choice_alone(host: Host, project: str, dockerd: RealDockerd, orphans: str) -> None:
    """A service that left its Compose file: told as a notice, or removed by the plan."""
    host.want(host.stack(_TWO, project=project)).apply()
    host.want(host.stack(_WEB, project=project, orphans=orphans))
    deleted = [change.object_id for change in host.plan() if change.action is Action.DELETE]
    notices = [each.reason for each in host.provider.notices(host.wanted)]
    if orphans == "remove":
        assert deleted == [f"stack/{project}/db"]
        assert notices == []
    else:
        assert deleted == []
        assert notices == ["OrphanedContainers"]
    host.apply()
    assert host.plan() == ()
    left = dockerd.run(
        "ps", "--filter", f"label=com.docker.compose.project={project}", "--format", "{{.Names}}"
    )
    assert (f"{project}-db-1" in left) == (orphans == "keep")


def test_restarted_at_makes_containers_anew_once(host: Host, project: str, dockerd: RealDockerd) -> None:
    """Another value of the annotation is a change; the same value is none, whoever looks."""
    stack = host.stack(_WEB, project=project)
    host.want(stack).apply()
    before = _identity(dockerd, f"{project}-web-1")
    asked = host.stack(_WEB, project=project, annotations={"argos.dev/restartedAt": "2026-01-01T00:00:00Z"})
    host.want(asked)
    assert _only(host.plan()).cause is Cause.REVISION
    host.apply()
    assert _identity(dockerd, f"{project}-web-1") != before
    host.restart()
    host.want(asked)
    assert host.plan() == ()


def test_fm16_a_plan_is_stale_once_the_host_moved(host: Host, project: str, dockerd: RealDockerd) -> None:
    """Another container since the look: nothing is written."""
    host.want(host.stack(_TWO, project=project)).apply()
    dockerd.run("kill", f"{project}-web-1")
    await_that(lambda: host.plan() != (), "the stop is seen")
    live, _, found = host.look()
    dockerd.run("rm", "--force", f"{project}-db-1")
    with pytest.raises(StalePlanError, match="moved since"):
        list(host.provider.apply(live, found.changes))
    assert _inspect(dockerd, f"{project}-web-1")["State"]["Running"] is False


def test_what_others_do_makes_no_plan_stale(host: Host, project: str, dockerd: RealDockerd) -> None:
    host.want(host.stack(_WEB, project=project))
    live, _, found = host.look()
    other = f"{project}-other"
    dockerd.run("run", "--detach", "--name", other, "--label", "com.docker.compose.project=x", dockerd.sleep)
    assert _results(list(host.provider.apply(live, found.changes))) == {"web": Result.DONE}
    dockerd.run("rm", "--force", other)


def test_annotations_are_no_part_of_containers(host: Host, project: str) -> None:
    """Only the one that asks for a restart is."""
    stack = host.stack(_WEB, project=project)
    host.want(stack).apply()
    host.want(annotated(stack, drift="report"))
    assert host.plan() == ()


def test_a_changed_dockerfile_is_built_and_started(host: Host, project: str, dockerd: RealDockerd) -> None:
    """With `build: true`, what an image is built of is a part of its service."""
    compose = "services: {web: {build: ./web, restart: unless-stopped}}"

    def stack(text: str) -> Resource[StackSpec]:
        files = {"web/Dockerfile": "FROM stand-in/web:1\nCOPY page /www/index.html\n", "web/page": text}
        return host.stack(compose, project=project, files=files, build=True)

    host.want(stack("first\n"))
    assert _results(host.apply()) == {"web": Result.DONE}
    assert host.plan() == ()
    host.want(stack("second\n"))
    assert _only(host.plan()).cause is Cause.REVISION
    assert _results(host.apply()) == {"web": Result.DONE}
    assert dockerd.run("exec", f"{project}-web-1", "cat", "/www/index.html") == "second"
    assert host.plan() == ()
    dockerd.run("rm", "--force", f"{project}-web-1")
    dockerd.run("image", "rm", f"{project}-web")
