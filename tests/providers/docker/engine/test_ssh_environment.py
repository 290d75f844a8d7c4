"""What ssh finds in its environment when it leads to a Docker engine."""

import socket
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.providers.docker.engine.ssh import SshTunnel
from argos_gitops.providers.docker.settings import SshConnection
from tests.components.ports import free_port
from tests.components.recorder import Recorder, path_with

CANARY = "canary-5d20"


def test_ssh_to_an_engine_has_no_secret_of_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "recorder")
    recorder.program("ssh")
    monkeypatch.setenv("PATH", path_with(recorder.path))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    for name in ("ARGOS_GIT_TOKEN", "LAPI_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, CANARY)
    connection = SshConnection(host="nobody@127.0.0.1", port=free_port())
    with closing(SshTunnel(connection, None, None, timedelta(seconds=5))) as tunnel:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tunnel.socket))
            client.settimeout(20)
            assert client.recv(1) == b""  # nobody listens there
        deadline = time.monotonic() + 20
        while not recorder.environments("ssh") and time.monotonic() < deadline:
            time.sleep(0.01)
    environments = recorder.environments("ssh")
    assert len(environments) > 1  # one that leads, one that ends what was shared
    for environment in environments:
        assert CANARY not in environment.values()
        assert environment["SSH_AUTH_SOCK"] == "/nowhere/agent"
