"""The kind ContainerPolicy: rules for containers, each of which can be left out, or made to reject."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from argos_gitops.model.spec import Size, SpecModel, reference
from argos_gitops.providers.docker.kinds import HostName

Enforce = Literal["deny", "warn"]
StackName = Annotated[str, reference("Stack")]
RestartPolicy = Literal["always", "unless-stopped", "on-failure", "no"]


class Rule(SpecModel):
    """A rule that has nothing to choose but whether it holds."""

    enforce: Literal["deny", "warn", "off"] | None = Field(
        None, description="Instead of the policy's own `enforce`; `off` leaves the rule out."
    )


class RestartRule(Rule):
    """Which restart policies are fine."""

    allow: tuple[RestartPolicy, ...] = Field(
        ("always", "unless-stopped", "on-failure"), description="The restart policies that are fine."
    )


class CpuRule(Rule):
    """How much of the processors one container may take."""

    max: float | None = Field(None, gt=0, description="The highest limit in CPUs; by default any will do.")


class MemoryRule(Rule):
    """How much memory one container may take."""

    max: Size | None = Field(None, examples=["8GiB"], description="The highest limit; by default any.")


class LogRule(Rule):
    """How much log a container may leave on the disk."""

    drivers: tuple[str, ...] = Field(
        ("json-file", "local"),
        description="The logging drivers that are fine; of others than these two no size is asked for.",
    )
    max_size: Size = Field(10 * 1024**2, description="The greatest `max-size` of one file.")
    max_files: int = Field(3, ge=1, description="The greatest `max-file`.")


class SocketRule(Rule):
    """Who may see the engine's socket. Whoever reaches it rules the host, read-only mount or not."""

    allow: Literal["readOnly", "never"] = Field(
        "readOnly", description="Whether a read-only mount of the socket is fine."
    )


class UserRule(Rule):
    """Whether processes in a container may be root."""

    image_decides: bool = Field(
        False,
        description="Whether a service without `user` is fine in a Compose file, as its image may name one. "
        "A container that runs as root is told all the same.",
    )


class TagRule(Rule):
    """Tags that mean something else tomorrow."""

    moving: tuple[str, ...] = Field(
        ("latest",), description="The tags that are not fine, also as a part of one (`v1-latest`)."
    )


class DigestRule(Rule):
    """Whether images are pinned."""

    enforce: Literal["deny", "warn", "off"] | None = Field(
        "off", description="`off` unless somebody asks for it."
    )


class SecretRule(Rule):
    """Whether secrets may stand in the environment in plain text."""

    ignore: tuple[str, ...] = Field(
        (), examples=[["TOKEN_TTL"]], description="Variables that only sound like secrets."
    )


class RegistryRule(Rule):
    """Where images may come from."""

    allow: tuple[str, ...] = Field(
        (),
        examples=[["docker.io/library", "ghcr.io/acme"]],
        description="Registries, or paths in them; empty: all of them.",
    )


class CapabilityRule(Rule):
    """What a container may do beyond what containers usually may."""

    allow: tuple[str, ...] = Field(
        (), examples=[["NET_BIND_SERVICE"]], description="Capabilities that may be added."
    )


class PortRule(Rule):
    """Ports that are nobody's business but the host's own."""

    ports: tuple[int, ...] = Field(
        (), examples=[[5432, 6379]], description="Ports of the host that may be published on loopback alone."
    )


class Rules(SpecModel):
    """What is asked of containers. A rule that is not named holds as it is by default."""

    health_check: Rule = Field(Rule(), description="A health check is there.")
    restart_policy: RestartRule = Field(RestartRule(), description="The restart policy is one of these.")
    cpu_limit: CpuRule = Field(CpuRule(), description="CPUs are limited.")
    memory_limit: MemoryRule = Field(MemoryRule(), description="Memory is limited.")
    log_rotation: LogRule = Field(LogRule(), description="Logs are rotated.")
    docker_socket: SocketRule = Field(SocketRule(), description="The engine's socket cannot be written to.")
    privileged: Rule = Field(Rule(), description="It is not privileged.")
    non_root: UserRule = Field(UserRule(), description="It does not run as root.")
    read_only_root: Rule = Field(Rule(), description="Its root file system is read-only.")
    image_tag: TagRule = Field(TagRule(), description="The image has a tag, and none that moves.")
    image_digest: DigestRule = Field(DigestRule(), description="The image is pinned by its digest.")
    plain_secrets: SecretRule = Field(
        SecretRule(), description="No variable in a Compose file holds a secret in plain text."
    )
    registries: RegistryRule = Field(RegistryRule(), description="The image comes from one of these.")
    host_network: Rule = Field(Rule(), description="It is not in the host's own network.")
    capabilities: CapabilityRule = Field(CapabilityRule(), description="It has no further capabilities.")
    private_ports: PortRule = Field(PortRule(), description="These ports are published on loopback alone.")


RuleName = Literal[
    "healthCheck",
    "restartPolicy",
    "cpuLimit",
    "memoryLimit",
    "logRotation",
    "dockerSocket",
    "privileged",
    "nonRoot",
    "readOnlyRoot",
    "imageTag",
    "imageDigest",
    "plainSecrets",
    "registries",
    "hostNetwork",
    "capabilities",
    "privatePorts",
]


class PolicyException(SpecModel):
    """Where rules do not hold, and why."""

    rules: tuple[RuleName, ...] = Field(min_length=1, description="The rules that do not hold.")
    stacks: tuple[StackName, ...] = Field((), description="In these Stacks; by default everywhere.")
    services: tuple[str, ...] = Field(
        (),
        description="For these services, or containers by their names where they are in no Stack; "
        "by default all.",
    )
    reason: str = Field(min_length=1, description="Why; people read it where the rule is asked for again.")
    until: date | None = Field(
        None,
        examples=["2027-01-31"],
        description="The last day. From then on it is a warning again, and never rejects what it let pass.",
    )


class ContainerPolicySpec(SpecModel):
    """What every container has to be like.

    Compose files are checked before anything of a revision is applied, with the line that is to be changed;
    what runs on the hosts is checked as far as it is told. `deny` rejects a revision, `warn` only tells.
    """

    kind: ClassVar[str] = "ContainerPolicy"

    enforce: Enforce = Field("warn", description="What becomes of a revision that breaks a rule.")
    hosts: tuple[HostName, ...] = Field((), description="On these Docker hosts; by default all.")
    stacks: tuple[StackName, ...] = Field(
        (), description="For these Stacks; by default all, and containers in none."
    )
    stack_labels: dict[str, str] = Field(
        default_factory=dict, description="For Stacks with all of these labels (`metadata.labels`)."
    )
    rules: Rules = Field(Rules(), description="What is asked.")
    exceptions: tuple[PolicyException, ...] = Field((), description="Where that does not hold.")
