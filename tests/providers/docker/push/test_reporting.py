"""What the agent says of the containers of a real engine."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.ports.reports import IncomingReport
from argos_gitops.web.docker_shape import parse_report
from tests.components.docker import RealDockerd
from tests.components.registry import RealRegistry
from tests.providers.docker.push.conftest import PushAgent

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def start(dockerd: RealDockerd, project: str) -> Callable[..., str]:
    """Starts a container of the project and gives its name."""

    def run(*arguments: str) -> str:
        name = dockerd.new_name("app")
        label = f"--label=com.docker.compose.project={project}"
        dockerd.run("run", "--detach", "--name", name, label, *arguments)
        return name

    return run


@pytest.fixture
def network(dockerd: RealDockerd, project: str) -> str:
    dockerd.run("network", "create", "--label", f"com.docker.compose.project={project}", project)
    return project


def test_every_field_of_the_contract_and_of_ours(
    docker_agent: PushAgent, dockerd: RealDockerd, start: Callable[..., str], network: str, tmp_path: Path
) -> None:
    """A container with all there is to tell: names, types and values as the contract has them."""
    volume = dockerd.new_name("data")
    label = f"com.docker.compose.project={network}"
    dockerd.run("volume", "create", "--label", label, volume)
    name = start(
        *("--network", network, "--publish", "127.0.0.1::80", "--publish", "127.0.0.1::53/udp"),
        *("--volume", f"{volume}:/data", "--volume", f"{tmp_path}:/host:ro", "--tmpfs", "/scratch"),
        *("--env", "NODE_ENV=production", "--env", "DB_PASSWORD=hunter2", "--env", "EQUATION=a=b"),
        *("--label", "team=web", "--restart", "on-failure:5", "--memory", "64m", "--cpus", "0.5"),
        *("--pids-limit", "50", "--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN", "--read-only"),
        *("--security-opt", "no-new-privileges", "--user", "65534:65534", "--log-opt", "max-size=10m"),
        *(dockerd.sleep, "sh", "-c", "exec sleep 86400"),
    )
    found = dict(docker_agent.printed()[name])
    inspected = json.loads(dockerd.run("inspect", name))[0]
    assert _TIME.fullmatch(found.pop("createdAt"))
    assert _TIME.fullmatch(found.pop("startedAt"))
    assert found.pop("status").startswith("Up ")
    stats = found.pop("stats")
    assert stats.keys() == {
        *(
            "cpuPercent",
            "memUsage",
            "memLimit",
            "netRxBytes",
            "netTxBytes",
            "blockReadBytes",
            "blockWriteBytes",
        )
    }
    assert stats["memLimit"] == 64 * 1024**2
    assert all(isinstance(number, int) for key, number in stats.items() if key != "cpuPercent")
    bindings = inspected["NetworkSettings"]["Ports"]
    assert {variable["key"]: variable["value"] for variable in found.pop("env")} == {
        "NODE_ENV": "production",
        "DB_PASSWORD": "********",
        "EQUATION": "a=b",
        "PATH": "/bin",
    }
    assert sorted(found.pop("mounts"), key=lambda mount: str(mount["destination"])) == [
        {"type": "volume", "source": volume, "destination": "/data", "rw": True},
        {"type": "bind", "source": str(tmp_path), "destination": "/host", "rw": False},
        {"type": "tmpfs", "source": "", "destination": "/scratch", "rw": True},
    ]
    assert found == {
        "id": inspected["Id"],
        "name": name,
        "image": dockerd.sleep,
        "imageId": inspected["Image"],
        "imageDigests": [],
        "state": "running",
        "restartCount": 0,
        "restartPolicy": "on-failure:5",
        "health": "none",
        "ports": [
            {
                "hostIp": "127.0.0.1",
                "hostPort": int(bindings[port][0]["HostPort"]),
                "containerPort": int(port[:2]),
                "proto": port[3:],
            }
            for port in sorted(bindings, key=lambda port: int(bindings[port][0]["HostPort"]))
        ],
        "networks": [{"name": network, "ip": inspected["NetworkSettings"]["Networks"][network]["IPAddress"]}],
        "command": "sh -c 'exec sleep 86400'",
        "labels": {"com.docker.compose.project": network, "team": "web"},
        "security": {
            "user": "65534:65534",
            "capAdd": ["NET_ADMIN"],
            "capDrop": ["CHOWN"],
            "securityOpt": ["no-new-privileges"],
            "readOnlyRootfs": True,
            "privileged": False,
            "limits": {"cpus": 0.5, "memoryBytes": 64 * 1024**2, "pids": 50},
            "logDriver": "json-file",
            "logOptions": {"max-size": "10m"},
            "networkMode": network,
        },
    }


def test_a_container_without_anything_says_so(
    docker_agent: PushAgent, dockerd: RealDockerd, start: Callable[..., str]
) -> None:
    """No limit is 0, no restart is `no`, no health check is `none`: nothing is left to guess."""
    name = start(dockerd.sleep)
    found = docker_agent.printed()[name]
    assert (found["restartPolicy"], found["health"], found["ports"]) == ("no", "none", [])
    assert found["security"]["limits"] == {"cpus": 0, "memoryBytes": 0, "pids": 0}
    assert found["security"]["user"] == ""
    assert found["security"]["capAdd"] == found["security"]["securityOpt"] == []


def test_a_container_that_ended_or_never_ran(
    docker_agent: PushAgent, dockerd: RealDockerd, start: Callable[..., str], project: str
) -> None:
    """It has no statistics and no address, but what it would publish, and how it ended."""
    crashed = start("--publish", "127.0.0.1:65000:80", dockerd.crash)
    dockerd.run("wait", crashed)
    fresh = dockerd.new_name("app")
    dockerd.run("create", "--name", fresh, "--label", f"com.docker.compose.project={project}", dockerd.sleep)
    found = docker_agent.printed()
    assert (found[crashed]["state"], found[crashed]["exitCode"]) == ("exited", 1)
    assert found[crashed]["ports"] == [
        {"hostIp": "127.0.0.1", "hostPort": 65000, "containerPort": 80, "proto": "tcp"}
    ]
    assert "stats" not in found[crashed]
    assert (found[fresh]["state"], found[fresh]["startedAt"]) == ("created", "0001-01-01T00:00:00Z")


def test_digests_of_an_image_that_a_registry_has(
    docker_agent: PushAgent, dockerd: RealDockerd, registry: RealRegistry, start: Callable[..., str]
) -> None:
    """What a pulled image is, whatever its tag says today."""
    image = f"{registry.address}/team/{dockerd.new_name('app')}:1"
    dockerd.add_image(image, "sleep", Labels={"of": image})
    dockerd.run("push", "--quiet", image)
    name = start(image)
    found = docker_agent.printed()[name]
    assert found["imageDigests"] == json.loads(
        dockerd.run("inspect", "--format", "{{json .RepoDigests}}", image)
    )
    assert len(found["imageDigests"]) == 1


def test_our_server_takes_all_of_it_unchanged(
    docker_agent: PushAgent, dockerd: RealDockerd, start: Callable[..., str]
) -> None:
    """No field is dropped, refused, or masked once more where it comes in."""
    name = start(
        "--env",
        "API_KEY=k",
        "--label",
        "url=https://u:p@example.com",
        "--publish",
        "127.0.0.1::80",
        dockerd.web,
    )
    done = docker_agent("--print")
    report = parse_report(json.loads(done.stdout))
    assert isinstance(report, IncomingReport)
    taken = {each["name"]: each for each in report.containers}
    sent = {each["name"]: each for each in json.loads(done.stdout)["containers"]}
    assert taken[name] == sent[name]


def test_an_engine_without_containers(make_dockerd: Callable[[], RealDockerd], agent: PushAgent) -> None:
    """An empty report, which is one; once the engine is gone there is none at all."""
    engine = make_dockerd()
    agent.env |= {"DOCKER_HOST": engine.env["DOCKER_HOST"]}
    agent.env["PATH"] = f"{agent.env['PATH']}:{engine.env['PATH']}"
    assert agent.printed() == {}
    engine.run("run", "--detach", engine.sleep)
    engine.kill()
    done = agent("--print")
    assert (done.returncode, done.stdout) == (5, "")
    assert "does not answer: is it running" in done.stderr


def test_shellcheck_finds_nothing(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
