"""A real engine, reached in each of the ways that a DockerHost may name."""

import gc
import os
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.providers.docker.engine.connection import EngineConnection
from argos_gitops.providers.docker.settings import Connection
from argos_gitops.secrets.local import LocalSecrets
from tests.components.docker import RealDockerd
from tests.components.git import RealSshd
from tests.providers.docker.engine.doors import Authority, TlsDoor
from tests.secrets.vaults import empty_vault

_SECONDS = timedelta(seconds=20)


def _connection(secrets: Mapping[str, str], **given: Any) -> EngineConnection:
    resolver = LocalSecrets(dict(secrets), empty_vault())
    return EngineConnection("DockerHost/nas", Connection.model_validate(given), resolver, _SECONDS)


def _reason(connection: EngineConnection) -> tuple[type[ProviderError], str, str]:
    try:
        with pytest.raises(ProviderError) as caught:
            connection.client.containers()
    finally:
        connection.close()
    return type(caught.value), caught.value.reason, str(caught.value)


@pytest.fixture
def sshd_of_engine(sshd: RealSshd, dockerd: RealDockerd) -> RealSshd:
    """An account whose docker program speaks to the engine."""
    path = f"{Path(dockerd.env['PATH'].split(os.pathsep)[0])}:/usr/bin:/bin"
    surroundings = f"DOCKER_HOST={dockerd.env['DOCKER_HOST']} PATH={path}"
    public = sshd.key.with_suffix(".pub")
    public.write_text(f'command="env {surroundings} sh -c \\"$SSH_ORIGINAL_COMMAND\\"" {public.read_text()}')
    return sshd


def _ssh(sshd: RealSshd, **changed: str) -> EngineConnection:
    secrets = {"KEY": sshd.key.read_text(), "HOSTS": sshd.known_hosts.read_text(), **changed}
    return _connection(
        secrets,
        ssh={
            "host": f"{os.environ.get('USER', 'root')}@127.0.0.1",
            "port": sshd.port,
            "key": {"env": "KEY"},
            "knownHosts": {"env": "HOSTS"},
        },
    )


def test_over_a_unix_socket(dockerd: RealDockerd) -> None:
    connection = _connection({}, unix=str(dockerd.socket))
    assert connection.client.info()["ServerVersion"]
    assert connection.environment() == {"DOCKER_HOST": f"unix://{dockerd.socket}"}
    connection.close()


def test_over_ssh(sshd_of_engine: RealSshd, dockerd: RealDockerd) -> None:
    """By the account's own docker program; the docker program of ours goes the same way."""
    connection = _ssh(sshd_of_engine)
    try:
        assert connection.client.info()["ID"] == dockerd.run("info", "--format", "{{.ID}}")
        again = {**dockerd.env, **connection.environment()}
        told = subprocess.run(
            ["docker", "info", "--format", "{{.ID}}"], env=again, capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == connection.client.info()["ID"]
        (folder,) = {Path(connection.environment()["DOCKER_HOST"].removeprefix("unix://")).parent}
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "key").stat().st_mode & 0o777 == 0o600
    finally:
        connection.close()
    assert not folder.exists()


def test_a_stranger_behind_ssh_is_not_spoken_to(sshd_of_engine: RealSshd) -> None:
    """Another host key than the known one: what ssh says is told."""
    other = sshd_of_engine.known_hosts.read_text().replace(
        "AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAJ"
    )
    kind, _, message = _reason(_ssh(sshd_of_engine, HOSTS=other))
    assert kind is TransientError
    assert "ssh said: " in message
    assert "BEGIN" not in message


def test_over_tls(dockerd: RealDockerd, tmp_path: Path) -> None:
    """Both sides prove who they are, and nothing of it stays on the disk."""
    authority = Authority()
    client = authority.issue("argos")
    secrets = {"CA": authority.pem, "CERT": client.cert, "KEY": client.key}
    with TlsDoor(dockerd.socket, authority, tmp_path) as door:
        connection = _connection(secrets, tcp=_tcp(door.port))
        try:
            assert connection.client.info()["ID"] == dockerd.run("info", "--format", "{{.ID}}")
            environment = connection.environment()
            folder = Path(environment["DOCKER_CERT_PATH"])
            told = subprocess.run(
                ["docker", "info", "--format", "{{.ID}}"],
                env={**dockerd.env, **environment},
                capture_output=True,
                text=True,
                check=True,
            )
            assert told.stdout.strip() == connection.client.info()["ID"]
        finally:
            connection.close()
    assert not folder.exists()


def test_an_engine_of_another_authority_is_refused(dockerd: RealDockerd, tmp_path: Path) -> None:
    authority, other = Authority(), Authority()
    client = authority.issue("argos")
    secrets = {"CA": other.pem, "CERT": client.cert, "KEY": client.key}
    with TlsDoor(dockerd.socket, authority, tmp_path) as door:
        kind, reason, _ = _reason(_connection(secrets, tcp=_tcp(door.port)))
    assert (kind, reason) == (TerminalError, "TlsRefused")


def test_certificates_that_are_none() -> None:
    """Told without what stands in them."""
    rubbish = {"CA": "cAnArY no PEM", "CERT": "x", "KEY": "x"}
    kind, reason, message = _reason(_connection(rubbish, tcp=_tcp(1)))
    assert (kind, reason) == (TerminalError, "BadCertificate")
    assert "cAnArY" not in message


def test_a_secret_that_is_missing() -> None:
    kind, _, message = _reason(_connection({}, tcp=_tcp(1)))
    assert kind is TerminalError
    assert "DockerHost/nas docker.connection.tcp.tls.ca" in message


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_nothing_listens(tmp_path: Path) -> None:
    """httpcore leaves the socket of such an attempt to the garbage collector, which is asked at once."""
    kind, reason, message = _reason(_connection({}, unix=str(tmp_path / "docker.sock")))
    gc.collect()
    assert (kind, reason) == (TransientError, "Unreachable")
    assert "is Docker running there" in message


def _tcp(port: int) -> dict[str, object]:
    tls = {name: {"env": name.upper()} for name in ("ca", "cert", "key")}
    return {"host": "127.0.0.1", "port": port, "tls": tls}
