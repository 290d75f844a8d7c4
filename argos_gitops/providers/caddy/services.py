"""The Service kind: an upstream pool, and an entry of the service registry."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.spec import Duration, Size, SpecModel
from argos_gitops.providers.caddy.fragments import Address, FilePath, HeaderName, HeaderValue, Path

_KEYED_POLICIES = ("header", "cookie")


class ServiceTarget(SpecModel):
    """One server of the pool."""

    address: Address = Field(description="Host and port (`10.0.0.5:3000`), or `unix//path/of/socket`.")
    weight: int = Field(
        1, ge=0, le=1000, description="Its share of the requests beside the other targets; 0 gives it none."
    )


class LoadBalancing(SpecModel):
    """How requests spread over the targets."""

    policy: Literal[
        "round_robin",
        "least_conn",
        "random",
        "first",
        "ip_hash",
        "client_ip_hash",
        "uri_hash",
        "header",
        "cookie",
    ] = Field("round_robin", description="Which target gets a request.")
    key: HeaderName | None = Field(
        None, description="The header or cookie by which the policies `header` and `cookie` choose."
    )
    retries: int | None = Field(None, ge=0, le=100, description="How often another target is tried.")
    try_duration: Duration | None = Field(None, description="How long targets are tried.")
    try_interval: Duration | None = Field(None, description="The pause between two tries.")

    @model_validator(mode="after")
    def _key_where_needed(self) -> Self:
        if (self.key is not None) != (self.policy in _KEYED_POLICIES):
            raise ValueError("key belongs to the policies header and cookie, which need it")
        return self


class HealthCheck(SpecModel):
    """Active health check: Caddy asks each target regularly."""

    path: Path = Field(description="What is asked for, such as `/healthz`.")
    method: Literal["GET", "HEAD", "POST"] = Field("GET", description="HTTP method (Caddy 2.9 if not GET).")
    interval: Duration = Field(timedelta(seconds=30), description="Pause between two checks.")
    timeout: Duration = Field(timedelta(seconds=5), description="How long an answer may take.")
    expect_status: int | None = Field(
        None, ge=1, le=599, description="Status of a healthy target; `2` means any 2xx. Default: 2xx or 3xx."
    )
    expect_body: str | None = Field(None, description="A regular expression that the body matches.")
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="Request headers.")
    port: int | None = Field(None, ge=1, le=65535, description="Another port than the target's own.")
    fails: int = Field(1, ge=1, description="Failures in a row that make a target unhealthy (Caddy 2.8).")
    passes: int = Field(1, ge=1, description="Passes in a row that make it healthy again (Caddy 2.8).")


class PassiveHealthCheck(SpecModel):
    """Passive health check: failing requests take a target out for a while."""

    fail_duration: Duration = Field(
        timedelta(seconds=30), description="How long a failed request is remembered."
    )
    max_fails: int = Field(3, ge=1, description="So many remembered failures take a target out.")
    unhealthy_status: tuple[int, ...] = Field((), description="Statuses that count as failures.")
    unhealthy_latency: Duration | None = Field(None, description="A slower answer counts as a failure.")


class Timeouts(SpecModel):
    """How long Caddy waits for a target."""

    connect: Duration | None = Field(None, description="For a connection. Caddy's default: 3s.")
    response_header: Duration | None = Field(None, description="For the response to begin. Default: forever.")
    read: Duration | None = Field(None, description="For the next read from the target. Default: forever.")
    write: Duration | None = Field(None, description="For the next write to the target. Default: forever.")


class UpstreamTls(SpecModel):
    """TLS between Caddy and the targets; `tls: {}` is enough to use it."""

    verify: bool = Field(True, description="Whether a target's certificate is checked.")
    server_name: str | None = Field(None, min_length=1, description="Name asked for in the handshake.")
    ca: FilePath | None = Field(
        None, description="PEM file with the CA to trust, a path on the edge (Caddy 2.8)."
    )


class Access(SpecModel):
    """Who may use a service: registry data for people and programs, which the edge does not enforce."""

    roles: tuple[str, ...] = Field((), description="Roles that may use the service.")


class ServiceSpec(SpecModel):
    """An upstream pool that Hosts send requests to, and an entry of the service registry."""

    kind: ClassVar[str] = "Service"

    targets: tuple[ServiceTarget, ...] = Field(min_length=1, description="The servers of the pool.")
    protocol: Literal["http", "h2c"] = Field(
        "http", description="HTTP, or unencrypted HTTP/2 as gRPC servers speak it."
    )
    load_balancing: LoadBalancing = Field(
        default_factory=LoadBalancing, description="How requests spread over the targets."
    )
    health_check: HealthCheck | None = Field(None, description="Active health check; none by default.")
    passive_health_check: PassiveHealthCheck | None = Field(
        None, description="Passive health check; none by default."
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long Caddy waits.")
    tls: UpstreamTls | None = Field(None, description="TLS to the targets; without it plain HTTP.")
    preserve_host: bool = Field(
        True, description="Whether targets see the Host header of the visitor; otherwise their own address."
    )
    request_body_limit: Size | None = Field(None, description="Larger request bodies are refused with 413.")
    owner: str | None = Field(None, description="Who answers for it. Registry data, without effect here.")
    access: Access | None = Field(
        None, description="Who may use it. Registry data: the edge does not enforce it."
    )

    @field_validator("targets")
    @classmethod
    def _distinct(cls, targets: Sequence[ServiceTarget]) -> Sequence[ServiceTarget]:
        addresses = [target.address for target in targets]
        doubled = sorted({address for address in addresses if addresses.count(address) > 1})
        if doubled:
            raise ValueError(f"{doubled[0]} stands twice; give it one target and a weight")
        return targets

    @model_validator(mode="after")
    def _one_encryption(self) -> Self:
        if self.protocol == "h2c" and self.tls is not None:
            raise ValueError("protocol h2c is HTTP/2 without TLS; leave out tls, or protocol")
        return self

    @property
    def used_targets(self) -> tuple[ServiceTarget, ...]:
        """Those that get requests at all."""
        return tuple(target for target in self.targets if target.weight)

    @property
    def weighted(self) -> bool:
        """Whether the targets that get requests get them in different shares."""
        return len({target.weight for target in self.used_targets}) > 1
