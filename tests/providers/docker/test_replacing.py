"""What claims the same as something else: attempts that fail, and Stacks under another name."""

import json
import socket

from argos_gitops.model.change import Action, Result
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host

_CRASHES = "services: {web: {image: stand-in/crash:1}}\n"
_NEVER_MADE = "services: {web: {image: stand-in/web:1, command: [/not-there], container_name: NAME}}\n"
_NAMED = "services: {web: {image: stand-in/web:1, container_name: NAME, ports: ['127.0.0.1:PORT:80']}}\n"


def _named(project: str, port: int, image: str = "stand-in/web:1") -> str:
    named = _NAMED.replace("NAME", f"{project}-web").replace("PORT", str(port))
    return named.replace("stand-in/web:1", image)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _state(dockerd: RealDockerd, container: str) -> tuple[str, str]:
    (found,) = json.loads(dockerd.run("inspect", container))
    return found["Config"]["Labels"]["com.docker.compose.project"], found["State"]["Status"]


def test_a_first_start_that_comes_to_nothing_leaves_no_network(
    host: Host, project: str, dockerd: RealDockerd
) -> None:
    dockerd.run("run", "--detach", "--name", f"{project}-taken", dockerd.sleep)
    host.want(host.stack(_NEVER_MADE.replace("NAME", f"{project}-taken"), project=project))
    (outcome,) = host.apply()
    assert outcome.result is Result.FAILED
    assert dockerd.run("network", "ls", "--quiet", "--filter", f"name={project}") == ""
    assert dockerd.run("rm", "--force", f"{project}-taken")


def test_a_renamed_stack_takes_the_place_of_the_old_one(
    host: Host, project: str, dockerd: RealDockerd
) -> None:
    """Both claim one name and one port: the old one ends when the new one can start."""
    port, other = _free_port(), f"{project}-renamed"
    host.want(host.stack(_named(project, port), project=project)).apply()
    host.want(host.stack(_named(project, port), project=other))
    assert [each.result for each in host.apply()] == [Result.DONE, Result.DONE]
    assert _state(dockerd, f"{project}-web") == (other, "running")
    assert host.plan() == ()
    assert dockerd.run("ps", "--all", "--quiet", "--filter", f"name={project}-web").count("\n") == 0
    dockerd.clean(project=other)


def test_a_renamed_stack_that_fails_leaves_the_old_one_running(
    host: Host, project: str, dockerd: RealDockerd
) -> None:
    """Under its name and on its port; it is removed once the new one does well."""
    port, other = _free_port(), f"{project}-renamed"
    host.want(host.stack(_named(project, port), project=project)).apply()
    for image, reason in (("stand-in/crash:1", "ContainerExited"), ("127.0.0.1:1/x:1", "ImageNotPulled")):
        host.want(host.stack(_named(project, port, image), project=other))
        new, old = host.apply()
        assert (new.result, new.reason) == (Result.FAILED, reason)
        assert (old.change.action, old.result, old.reason) == (
            Action.DELETE,
            Result.SKIPPED,
            "ReplacementFailed",
        )
        assert _state(dockerd, f"{project}-web") == (project, "running")
    assert dockerd.run("ps", "--all", "--quiet", "--filter", f"name={other}") == ""
    host.want(host.stack(_named(project, port), project=other)).apply()
    assert _state(dockerd, f"{project}-web") == (other, "running")
    assert host.plan() == ()
    dockerd.clean(project=other)
