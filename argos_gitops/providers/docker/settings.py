"""The `docker:` section of a DockerHost: how one Docker engine is reached, and what it reports."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel

UNIX_SOCKET = "/var/run/docker.sock"


class SshConnection(SpecModel):
    """The engine is reached by ssh, through the `docker` program of the account there."""

    host: str = Field(
        pattern=r"^([A-Za-z0-9._-]+@)?[A-Za-z0-9._-][A-Za-z0-9.:_-]*$",
        examples=["deploy@docker01.example.com"],
        description="`user@host`.",
    )
    port: int = Field(22, ge=1, le=65535, description="The port of sshd.")
    key: SecretRef | None = Field(None, description="The private key; without it, ssh finds one by itself.")
    known_hosts: SecretRef | None = Field(
        None, description="Lines of a known_hosts file; without them, those of the agent's account."
    )


class TlsFiles(SpecModel):
    """The certificates of a connection by TCP, each as PEM text."""

    ca: SecretRef = Field(description="Who signed the engine's certificate.")
    cert: SecretRef = Field(description="Our certificate.")
    key: SecretRef = Field(description="Its private key.")


class TcpConnection(SpecModel):
    """The engine listens on TCP; without TLS only a loopback address is accepted."""

    host: str = Field(
        pattern=r"^([A-Za-z0-9._-]+|[0-9A-Fa-f:.]+)$",
        examples=["docker01.example.com"],
        description="Name or address.",
    )
    port: int = Field(2376, ge=1, le=65535, description="The engine's port.")
    tls: TlsFiles | None = Field(None, description="How both sides prove who they are.")

    @model_validator(mode="after")
    def _never_in_the_clear(self) -> Self:
        if self.tls is None and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("an engine on TCP without tls obeys everybody who reaches it; add tls")
        return self


class Connection(SpecModel):
    """How the engine is reached: exactly one of these."""

    unix: str | None = Field(None, pattern=r"^/", examples=[UNIX_SOCKET], description="Path of its socket.")
    ssh: SshConnection | None = Field(None, description="By ssh.")
    tcp: TcpConnection | None = Field(None, description="By TCP, with TLS.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(each is not None for each in (self.unix, self.ssh, self.tcp)) != 1:
            raise ValueError("a connection names exactly one of unix, ssh and tcp")
        return self


class PushAgent(SpecModel):
    """The push agent on the host, whose reports say how things are there."""

    host_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,128}$",
        description="The id that it reports under; by default the DockerHost's name.",
    )
    stale_after: Duration = Field(
        timedelta(seconds=90), description="After so long without a report, nothing is known of the host."
    )


class DockerSettings(SpecModel):
    """A Docker engine: one that we write to, or one that only reports.

    Without `connection` nothing is ever changed there: its Stacks say what is expected, and each
    difference in the reports of its push agent is told.
    """

    connection: Connection | None = Field(None, description="How the engine is reached, to write to it.")
    address: str | None = Field(
        None,
        min_length=1,
        examples=["192.0.2.10"],
        description="Where published ports of the host are reached from the Edge; 127.0.0.1 for `unix`.",
    )
    agent: PushAgent | None = Field(None, description="The push agent on the host.")

    @model_validator(mode="after")
    def _known_somehow(self) -> Self:
        if self.connection is None and self.agent is None:
            raise ValueError("a Docker host needs a connection, an agent, or both")
        return self

    @property
    def published_address(self) -> str | None:
        """Where published ports are reached; None where nobody said."""
        if self.address is not None:
            return self.address
        return "127.0.0.1" if self.connection is not None and self.connection.unix is not None else None
