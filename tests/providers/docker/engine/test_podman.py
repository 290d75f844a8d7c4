"""Podman answers the calls that a look takes, by the API that it shares with Docker."""

import subprocess
import time
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.errors import TransientError
from argos_gitops.providers.docker.containers import containers_of
from argos_gitops.providers.docker.engine.connection import EngineConnection
from argos_gitops.providers.docker.networks import live_networks
from argos_gitops.providers.docker.services import facts_of_container
from argos_gitops.providers.docker.settings import Connection
from argos_gitops.secrets.local import LocalSecrets
from tests.components.podman import RealPodman
from tests.secrets.vaults import empty_vault


def test_podman_is_looked_at_like_docker(podman: RealPodman, tmp_path: Path) -> None:
    """Its containers, with Compose's labels, its networks, and a container's own settings."""
    of_compose = {"project": "wiki", "service": "web", "config-hash": "abc", "oneoff": "False"}
    labels = [f"--label=com.docker.compose.{name}={value}" for name, value in of_compose.items()]
    made = podman.run_container(*labels, "--env", "A=1", podman.sleep)
    socket = tmp_path / "podman.sock"
    serving = subprocess.Popen([str(podman.program), "system", "service", "--time=0", f"unix://{socket}"])
    connection = EngineConnection(
        "DockerHost/nas", Connection(unix=str(socket)), LocalSecrets({}, empty_vault()), timedelta(seconds=20)
    )
    try:
        _await(connection, socket)
        ((key, (container,)),) = containers_of(connection.client.containers()).items()
        assert key == ("wiki", "web")
        assert (container.id, container.state, container.config_hash) == (made, "running", "abc")
        assert "network/bridge" in live_networks(connection.client.networks(), "nas", {})
        document = connection.client.container(container.id)
        assert document is not None
        facts = facts_of_container(document, connection.client.image(document["Image"]))
        assert "A" in facts["env"]
        assert connection.client.info()["ServerVersion"]
    finally:
        connection.close()
        serving.terminate()
        serving.wait(30)


def _await(connection: EngineConnection, socket: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if socket.exists():
                connection.client.networks()
                return
        except TransientError:
            pass
        assert time.monotonic() < deadline, "Podman does not answer"
        time.sleep(0.1)
