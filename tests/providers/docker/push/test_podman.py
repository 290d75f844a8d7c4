"""The same report from Podman, whose answers have another shape in places."""

from tests.components.podman import RealPodman
from tests.providers.docker.push.conftest import PushAgent


def test_what_podman_tells_is_said_in_the_words_of_the_contract(agent: PushAgent, podman: RealPodman) -> None:
    """Ids with their algorithm, capabilities as in Compose files, no health as `none`, statistics."""
    limits = [
        "--memory",
        "64m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "50",
        "--cap-add",
        "NET_ADMIN",
        "--read-only",
    ]
    podman.run_container(
        *(
            "--name",
            "app",
            *limits,
            "--restart",
            "on-failure:3",
            "--tmpfs",
            "/scratch",
            "--volume",
            "data:/data",
        ),
        *("--env", "DB_PASSWORD=hunter2", "--label", "team=web", "--user", "65534"),
        *(podman.sleep, "sh", "-c", "exec sleep 86400"),
    )
    podman.run_container("--name", "ended", podman.sleep, "sh", "-c", "exit 3")
    podman.run("wait", "ended")
    found = agent.printed(ARGOS_ENGINE=str(podman.program))
    app, ended = found["app"], found["ended"]
    assert app["image"] == f"localhost/{podman.sleep}"
    assert app["imageId"].startswith("sha256:")
    assert [digest.partition("@sha256:")[0] for digest in app["imageDigests"]] == ["localhost/stand-in/sleep"]
    assert (app["state"], app["health"], app["restartPolicy"]) == ("running", "none", "on-failure:3")
    assert app["status"].startswith("Up ")
    assert app["createdAt"].endswith("Z")
    assert {"key": "DB_PASSWORD", "value": "********"} in app["env"]
    assert {"type": "volume", "source": "data", "destination": "/data", "rw": True} in app["mounts"]
    assert app["stats"]["memUsage"] > 0
    assert app["stats"]["memLimit"] == 67_110_000  # Podman rounds: 67.11MB
    assert app["command"] == "sh -c 'exec sleep 86400'"
    assert app["labels"] == {"team": "web"}
    security = app["security"]
    assert (security["capAdd"], security["user"], security["readOnlyRootfs"]) == (
        ["NET_ADMIN"],
        "65534",
        True,
    )
    assert security["limits"] == {"cpus": 0.5, "memoryBytes": 64 * 1024**2, "pids": 50}
    assert (ended["state"], ended["exitCode"]) == ("exited", 3)
    assert "stats" not in ended


def test_a_podman_without_containers(agent: PushAgent, podman: RealPodman) -> None:
    assert agent.printed(ARGOS_ENGINE=str(podman.program)) == {}
