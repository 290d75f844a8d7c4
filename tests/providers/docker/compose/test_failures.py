"""What goes wrong on a real engine, as one sentence that says what to do; and what needs no files."""

import gc
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.providers.docker.compose.process import Invocation, run
from argos_gitops.providers.docker.compose.runner import ComposeRunner
from argos_gitops.providers.docker.compose.speech import failure
from tests.components.docker import RealDockerd
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.test_runner import SMALL, Engine, containers, ids, runner_of

SLEEP = 'image: "stand-in/sleep:1"'
CASES = {
    "ImageNotFound": "services: {web: {image: nobody/has:this, pull_policy: never}}\n",
    "NetworkMissing": f"services: {{web: {{{SLEEP}, networks: [n]}}}}\nnetworks: {{n: {{external: true}}}}\n",
    "VolumeMissing": (
        f'services: {{web: {{{SLEEP}, volumes: ["vol:/v"]}}}}\nvolumes: {{vol: {{external: true}}}}\n'
    ),
    "ContainerFailed": f"services: {{web: {{{SLEEP}, command: [/not-there]}}}}\n",
    "DependencyFailed": (
        'services: {web: {image: "stand-in/sleep:1", depends_on: {db: {condition: service_healthy}}}, '
        'db: {image: "stand-in/crash:1", healthcheck: {test: [CMD, "false"], interval: 1s, retries: 1}}}\n'
    ),
}


@pytest.mark.parametrize("reason", CASES)
def test_says_what_to_do(around: Surroundings, dockerd: RealDockerd, project: str, reason: str) -> None:
    stack = around.stack({"compose.yaml": CASES[reason]}, project=project)
    with pytest.raises(ProviderError) as caught:
        runner_of(around, dockerd).up(stack)
    assert caught.value.reason == reason, str(caught.value)
    assert str(caught.value).startswith(f"docker compose up of project {project}: ")


def test_a_port_that_is_taken(around: Surroundings, dockerd: RealDockerd, project: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f'services: {{web: {{{SLEEP}, ports: ["127.0.0.1:{port}:80"]}}}}\n'
        with pytest.raises(ProviderError) as caught:
            runner_of(around, dockerd).up(around.stack({"compose.yaml": text}, project=project))
    assert caught.value.reason == "PortInUse"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_an_engine_that_is_away_may_come_back(around: Surroundings, tmp_path: Path) -> None:
    """httpcore leaves the socket of such an attempt to the garbage collector, which is asked at once."""
    runner = ComposeRunner("nas", around.context(), Engine(around, tmp_path / "nobody.sock"), local=True)
    reason, said = _failure(lambda: runner.up(around.stack({"compose.yaml": SMALL})))
    gc.collect()
    assert reason == "Unreachable"
    assert "(No such file or directory)" in said


def _failure(act: Callable[[], None]) -> tuple[str, str]:
    with pytest.raises(TransientError) as caught:
        act()
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nobody.invalid"])
def test_a_registry_that_is_away_is_no_engine_that_is(
    around: Surroundings, dockerd: RealDockerd, project: str, host: str
) -> None:
    """Compose says `connection refused` and `no such host` of either."""
    text = f"services: {{web: {{image: '{host}/app:1'}}}}\n"
    with pytest.raises(TransientError) as caught:
        runner_of(around, dockerd).up(around.stack({"compose.yaml": text}, project=project))
    assert caught.value.reason == "ImageNotPulled"
    assert f"the engine answers, and could not get {host}/app:1" in str(caught.value)
    assert "dial tcp" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Error response from daemon: toomanyrequests: You have reached your pull rate limit",
            "RegistryLimit",
        ),
        ("Error response from daemon: Head x: unauthorized: authentication required", "RegistryDenied"),
        ("Error response from daemon: manifest for a:1 not found: manifest unknown", "ImageNotFound"),
        ("Error response from daemon: Pool overlaps with other one on this address space", "AddressesInUse"),
        ('Error: Conflict. The container name "/x" is already in use by container "1"', "NameInUse"),
        ("write /var/lib/docker/x: no space left on device", "DiskFull"),
        ("Error response from daemon: dial tcp 10.0.0.1:443: i/o timeout", "ComposeFailed"),
        ("permission denied while trying to connect to the Docker daemon socket", "ComposeFailed"),
        ("something that nobody foresaw", "ComposeFailed"),
    ],
)
def test_words_of_engines(said: str, reason: str) -> None:
    error = failure(
        "docker compose up", f'time="x" level=warning msg="noise"\n Container a-1  Created\n{said}'
    )
    assert error.reason == reason
    assert said in str(error)
    assert "noise" not in str(error)


def test_restart_logs_and_down_need_no_files(
    around: Surroundings, dockerd: RealDockerd, project: str
) -> None:
    text = SMALL + '  talks: {image: "stand-in/crash:1"}\n'
    stack, runner = (
        around.stack({"compose.yaml": text, "conf/a": "1"}, project=project),
        runner_of(around, dockerd),
    )
    runner.up(stack)
    before = containers(dockerd, project)["web-1"]["State"]["StartedAt"]
    runner.restart(project, ["web"])
    assert containers(dockerd, project)["web-1"]["State"]["StartedAt"] != before
    assert sorted(runner.logs(stack, "talks")) == ["fatal: no database at db:5432", "starting"]
    assert runner.logs(stack, "web") == []
    runner.down(project, ["web"])
    assert {*ids(dockerd, project)} == {"db", "talks"}
    runner.down(project)
    assert not containers(dockerd, project)
    assert project not in dockerd.run("network", "ls", "--format", "{{.Name}}")
    directory = around.folder / "state" / "stacks" / "nas" / project
    assert (directory / "conf" / "a").exists()
    runner.forget(project)
    assert not directory.exists()


def test_orphans_go_only_by_choice(around: Surroundings, dockerd: RealDockerd, project: str) -> None:
    runner = runner_of(around, dockerd)
    runner.up(around.stack({"compose.yaml": SMALL}, project=project))
    fewer = {"compose.yaml": f"services: {{db: {{{SLEEP}}}}}\n"}
    runner.up(around.stack(fewer, project=project))
    assert {*ids(dockerd, project)} == {"db", "web"}
    runner.up(around.stack(fewer, project=project, orphans="remove"))
    assert {*ids(dockerd, project)} == {"db"}


def test_builds_from_git_alone(around: Surroundings, dockerd: RealDockerd, project: str) -> None:
    """Also for an engine that sees no file of ours; what a container wrote into the folder stays out."""
    image = f"built/{project}:1"
    files = {
        "compose.yaml": f"services: {{web: {{image: '{image}', build: ./app, command: [sleep, '9']}}}}\n",
        "app/Dockerfile": "FROM stand-in/sleep:1\nCOPY . /app\n",
        "app/run.sh": "#!/bin/sh\n",
    }
    stack = around.stack(files, project=project, modes={"app/run.sh": 0o100755}, build=True)
    runner = runner_of(around, dockerd, local=False)
    runner.build(stack)
    runner.up(stack)
    assert dockerd.run("exec", f"{project}-web-1", "ls", "-l", "/app/run.sh").startswith("-rwxr-xr-x")
    assert not (around.folder / "state" / "stacks").exists()


def test_a_process_that_takes_too_long_ends_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 1000 & echo $! > {pid}; wait"
    with pytest.raises(TransientError) as caught:
        run(Invocation(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, "/", 1.0))
    assert caught.value.reason == "ComposeTimeout"
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"
