"""The Docker engine, Compose, the registry and the stand-in images: what all tests with them rely on."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.components.docker import RealDockerd
from tests.components.registry import RealRegistry

_GROUPS, _LINKS = Path("/sys/fs/cgroup"), Path("/sys/class/net")


def _state(dockerd: RealDockerd, container: str) -> dict[str, object]:
    state: dict[str, object] = json.loads(dockerd.run("inspect", "--format", "{{json .State}}", container))
    return state


def _await_health(dockerd: RealDockerd, container: str, health: str) -> None:
    deadline = time.monotonic() + 60
    while (found := dockerd.run("inspect", "--format", "{{.State.Health.Status}}", container)) != health:
        assert time.monotonic() < deadline, f"{found} for 60 s"
        time.sleep(0.1)


@pytest.fixture
def container(dockerd: RealDockerd, project: str) -> Callable[..., str]:
    """Starts a container and gives its name; it goes with the project."""

    def run(*arguments: str) -> str:
        name = dockerd.new_name("test")
        of_project = ["--label", f"com.docker.compose.project={project}"]
        dockerd.run("run", "--detach", "--name", name, *of_project, *arguments)
        return name

    return run


def test_web_serves_on_a_published_port_and_falls_sick(
    dockerd: RealDockerd, container: Callable[..., str], project: str
) -> None:
    """Reachable from the host on loopback, healthy at first, unhealthy once told."""
    dockerd.run("network", "create", "--label", f"com.docker.compose.project={project}", project)
    web = container("--network", project, "--publish", "127.0.0.1::80", dockerd.web)
    _await_health(dockerd, web, "healthy")
    assert httpx.get(f"http://{dockerd.run('port', web, '80')}/").text == "stand-in\n"
    dockerd.run("exec", web, "touch", "/tmp/sick")  # noqa: S108 # within the container
    _await_health(dockerd, web, "unhealthy")


def test_crash_logs_and_ends(dockerd: RealDockerd, container: Callable[..., str]) -> None:
    """What a service that lacks something looks like."""
    crash = container(dockerd.crash)
    dockerd.run("wait", crash)
    assert _state(dockerd, crash)["ExitCode"] == 1
    assert dockerd.run("logs", crash).splitlines() == ["starting"]


def test_sleep_ends_at_once_when_stopped(dockerd: RealDockerd, container: Callable[..., str]) -> None:
    """Its stop signal is one that a first process cannot ignore; 137 is that of SIGKILL."""
    sleep = container(dockerd.sleep)
    assert _state(dockerd, sleep)["Running"]
    dockerd.run("stop", "--time", "3600", sleep)
    assert _state(dockerd, sleep)["ExitCode"] == 137


def test_an_image_of_our_own_has_what_was_asked(dockerd: RealDockerd) -> None:
    """Other configuration is another image; none is the same under another name."""
    same, other = dockerd.new_name("image"), dockerd.new_name("image")
    dockerd.add_image(same)
    dockerd.add_image(other, "sleep", User="nobody", Labels={"version": "2"})
    ids = {name: dockerd.run("images", "--quiet", name) for name in (same, other, dockerd.web, dockerd.sleep)}
    assert ids[same] == ids[dockerd.web]
    assert ids[other] not in {ids[dockerd.web], ids[dockerd.sleep]}
    assert dockerd.run("run", "--rm", other, "id", "-un") == "nobody"


def test_limits_hold(dockerd: RealDockerd) -> None:
    """Capabilities, a read-only root and limits of memory and processes are real."""
    limits = ["--cap-drop", "ALL", "--read-only", "--memory", "32m", "--pids-limit", "20", "--cpus", "0.5"]
    told = dockerd.run(
        "run", "--rm", *limits, dockerd.sleep, "sh", "-c", "grep CapEff /proc/self/status; touch /x || true"
    )
    assert told.split() == ["CapEff:", "0" * 16]


_COMPOSE_FILE = """
services:
  web:
    image: stand-in/web:1
    networks: [front]
  ask:
    image: stand-in/web:1
    command: [sleep, "86400"]
    healthcheck: {{test: wget -q -O - http://web/, interval: 1s, timeout: 30s}}
    depends_on: {{web: {{condition: service_healthy}}}}
    networks: [front]
networks:
  front: {{ipam: {{config: [{{subnet: {subnet}}}]}}}}
"""


def test_compose_waits_for_health_and_services_know_each_other(
    dockerd: RealDockerd, compose: Path, project: str, tmp_path: Path
) -> None:
    """`up --wait` of two services that speak by name, on a network with a subnet of its own, and `down`."""
    (tmp_path / "compose.yaml").write_text(_COMPOSE_FILE.format(subnet=dockerd.new_subnet()))

    def run(*arguments: str) -> None:
        command = [str(compose), "--project-name", project, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=dockerd.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    listing = ("ps", "--quiet", "--filter", f"label=com.docker.compose.project={project}")
    run("up", "--detach", "--wait")
    assert len(dockerd.run(*listing).split()) == 2
    run("down")
    assert dockerd.run(*listing) == ""


def test_registry_keeps_what_is_pushed(dockerd: RealDockerd, registry: RealRegistry) -> None:
    """An image gets its repository digest by being pushed."""
    name = f"{registry.address}/team/web:1.2"
    dockerd.add_image(name)
    dockerd.run("push", "--quiet", name)
    assert httpx.get(f"{registry.url}/v2/team/web/tags/list").json() == {"name": "team/web", "tags": ["1.2"]}
    digests = json.loads(dockerd.run("inspect", "--format", "{{json .RepoDigests}}", name))
    assert digests[0].startswith(f"{registry.address}/team/web@sha256:")


def test_the_engine_keeps_its_containers_over_a_kill(make_dockerd: Callable[[], RealDockerd]) -> None:
    """Killed, they are dead with it; started again, it knows them and starts what is to be restarted."""
    dockerd = make_dockerd()
    dockerd.run("run", "--detach", "--name", "kept", dockerd.sleep)
    dockerd.run("run", "--detach", "--name", "back", "--restart", "always", dockerd.sleep)
    dockerd.kill()
    with pytest.raises(subprocess.CalledProcessError):
        dockerd.run("ps")
    dockerd.start()
    assert not _state(dockerd, "kept")["Running"]
    assert _state(dockerd, "back")["Running"]


@pytest.mark.usefixtures("dockerd")  # where one can run at all
def test_nothing_of_an_engine_stays_behind() -> None:
    """No process, folder, bridge, control group or mount, with containers that ran in networks until then."""
    with RealDockerd() as dockerd:
        networks = [
            dockerd.run("network", "create", "one"),
            dockerd.run("network", "create", "--subnet", "198.51.100.0/28", "two"),
        ]
        dockerd.run("run", "--detach", "--network", "one", dockerd.web)
        dockerd.run("run", "--detach", "--network", "two", dockerd.web)
        pid, folder = dockerd.pid, dockerd.folder
        assert all((_LINKS / f"br-{network[:12]}").exists() for network in networks)
        (group,) = {found.name for found in _GROUPS.glob(f"**/{folder.name}")}
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not folder.exists()
    assert not [*_GROUPS.glob(f"**/{group}")]
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    assert not any((_LINKS / f"br-{network[:12]}").exists() for network in networks)


def test_engines_share_no_addresses(make_dockerd: Callable[[], RealDockerd]) -> None:
    """Two at a time, as two workers have them, each with networks that ask for no subnet."""
    inspect = ("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", "net")
    subnets = set()
    for engine in (make_dockerd(), make_dockerd()):
        engine.run("network", "create", "net")
        subnets |= {engine.run(*inspect), engine.new_subnet()}
    assert len(subnets) == 4
