"""From the `connection:` of a DockerHost to a client of its engine."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx

from argos_gitops.model.errors import SettingsError, TerminalError
from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.ports.secrets import Secrets
from argos_gitops.providers.docker.engine.client import Channel, EngineClient
from argos_gitops.providers.docker.engine.private import PrivateFolder
from argos_gitops.providers.docker.engine.ssh import SshTunnel
from argos_gitops.providers.docker.engine.tls import tls_context
from argos_gitops.providers.docker.settings import Connection, SshConnection, TcpConnection, TlsFiles


class EngineConnection:
    """One engine, connected to when it is first used, and kept until `close`.

    `where` names it: `DockerHost/main`. Raises TerminalError where a secret of the connection is missing.
    """

    def __init__(self, where: str, connection: Connection, secrets: Secrets, timeout: timedelta) -> None:
        self._where = where
        self._connection = connection
        self._secrets = secrets
        self._timeout = timeout
        self._tunnel: SshTunnel | None = None
        self._certificates = PrivateFolder()
        self._client: EngineClient | None = None

    @property
    def client(self) -> EngineClient:
        if self._client is None:
            self._client = EngineClient(self._channel(), self._timeout)
        return self._client

    def environment(self) -> Mapping[str, str]:
        """What a docker program needs in its environment to reach the same engine; no secret is in it."""
        unix, tcp = self._connection.unix, self._connection.tcp
        if unix is not None:
            return {"DOCKER_HOST": f"unix://{unix}"}
        if tcp is None:
            return {"DOCKER_HOST": f"unix://{self._ssh().socket}"}
        host = {"DOCKER_HOST": f"tcp://{_authority(tcp)}"}
        if tcp.tls is None:
            return host
        for name in ("ca", "cert", "key"):
            self._certificates.write(f"{name}.pem", self._tls_secret(tcp.tls, name).reveal())
        return {**host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self._certificates.path)}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._tunnel is not None:
            self._tunnel.close()
        self._certificates.remove()

    def _channel(self) -> Channel:
        if self._connection.unix is not None:
            return self._by_socket(self._connection.unix, self._connection.unix)
        if self._connection.tcp is not None:
            return self._by_tcp(self._connection.tcp)
        ssh = self._ssh()
        return self._by_socket(str(ssh.socket), self._ssh_name(), lambda: _ssh_hint(ssh, self._ssh_name()))

    def _by_socket(self, path: str, name: str, hint: Callable[[], str] | None = None) -> Channel:
        return Channel(
            engine=f"the Docker engine of {self._where} ({name})",
            url="http://docker",
            transport=httpx.HTTPTransport(uds=path),
            hint=hint or (lambda: f"is Docker running there, and is {path} its socket?"),
        )

    def _by_tcp(self, tcp: TcpConnection) -> Channel:
        address = _authority(tcp)
        engine = f"the Docker engine of {self._where} (tcp://{address})"
        if tcp.tls is None:
            transport = httpx.HTTPTransport()
        else:
            secrets = [self._tls_secret(tcp.tls, name) for name in ("ca", "cert", "key")]
            transport = httpx.HTTPTransport(verify=tls_context(engine, *secrets))
        return Channel(
            engine=engine,
            url=f"{'http' if tcp.tls is None else 'https'}://{address}",
            transport=transport,
            hint=lambda: "is Docker running there, and does it listen on that port?",
        )

    def _ssh(self) -> SshTunnel:
        if self._tunnel is None:
            ssh = self._connection.ssh
            if ssh is None:
                raise TypeError("this connection is not by ssh")
            self._tunnel = SshTunnel(
                ssh,
                self._optional(ssh.key, "key"),
                self._optional(ssh.known_hosts, "known_hosts"),
                self._timeout,
            )
        return self._tunnel

    def _ssh_name(self) -> str:
        ssh = self._connection.ssh
        return f"ssh://{ssh.host}:{ssh.port}" if isinstance(ssh, SshConnection) else "ssh"

    def _optional(self, reference: SecretRef | None, name: str) -> SecretValue | None:
        return None if reference is None else self._secret(reference, f"ssh.{name}")

    def _tls_secret(self, tls: TlsFiles, name: str) -> SecretValue:
        return self._secret(getattr(tls, name), f"tcp.tls.{name}")

    def _secret(self, reference: SecretRef, field: str) -> SecretValue:
        try:
            return self._secrets.resolve(reference)
        except SettingsError as error:
            message = f"{self._where} docker.connection.{field}: {error}"
            raise TerminalError(message, reason=error.reason) from error


def _authority(tcp: TcpConnection) -> str:
    return f"[{tcp.host}]:{tcp.port}" if ":" in tcp.host else f"{tcp.host}:{tcp.port}"


def _ssh_hint(tunnel: SshTunnel, name: str) -> str:
    said = tunnel.complaint()
    asked = f"ssh said: {said}" if said else f"does `ssh {name} docker version` work for the agent's account?"
    return f"{asked} (key, known_hosts and `docker system dial-stdio` there are what is needed)"
