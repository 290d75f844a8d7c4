"""The kinds of a Docker host that hold what runs there: Stack and Network."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from argos_gitops.model.folder import Folder
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel, reference

HostName = Annotated[str, reference("DockerHost")]
PROJECT_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"


class StackHealth(SpecModel):
    """How long a Stack may take to become healthy after it was changed."""

    timeout: Duration = Field(timedelta(minutes=5), description="After so long it has failed.")


class StackSpec(SpecModel):
    """A Compose project: your own Compose files in this repository, applied by the real `docker compose`.

    Everything below `path` belongs to Compose; files that SOPS encrypted are decrypted on the way.
    Containers that no Stack names are never touched.
    """

    kind: ClassVar[str] = "Stack"

    host: HostName = Field(description="The Docker host that it runs on.")
    path: Folder = Field(
        examples=["stacks/wiki"], description="The folder of its files, below the configuration folder."
    )
    files: tuple[str, ...] = Field(
        (),
        description="The Compose files in it, the later overriding the earlier; by default those that "
        "`docker compose` finds by itself.",
    )
    project: str | None = Field(
        None, pattern=PROJECT_PATTERN, description="Compose's project name; by default the Stack's name."
    )
    profiles: tuple[str, ...] = Field((), description="Profiles whose services run too.")
    env_files: tuple[str, ...] = Field(
        (), description="Files in the folder with values for `${…}`; by default `.env`, if it is there."
    )
    environment: dict[str, str | SecretRef] = Field(
        default_factory=dict,
        description="Further values for `${…}`, which win: plain text, or `{env}`, `{file}`, `{sops}`.",
    )
    directory: str | None = Field(
        None,
        pattern=r"^/",
        description="The folder on the Docker host that relative paths in mounts count from; its files are "
        "written there. By default a folder of the agent's own, which fits an engine on the same machine.",
    )
    pull: Literal["missing", "always", "never"] = Field("missing", description="When images are pulled.")
    build: bool = Field(False, description="Whether images with a `build` section are built before.")
    orphans: Literal["keep", "remove"] = Field(
        "keep", description="What becomes of containers of the project whose service is gone."
    )
    health: StackHealth = Field(StackHealth(), description="When a change counts as having worked.")
    rollback: Literal["automatic", "off"] = Field(
        "automatic", description="Whether the Stack goes back to how it last was healthy when a change fails."
    )
    routes: Literal["fromLabels", "none"] = Field(
        "none", description="Whether Traefik labels of its services become Hosts and Services of an Edge."
    )
    edge: Annotated[str, reference("Edge")] | None = Field(
        None, description="The Edge of those; may be left out where there is but one."
    )
    reach: Literal["published", "network"] = Field(
        "published",
        description="How the Edge reaches the containers: by ports that they publish on the host, or by name "
        "on a Docker network that its Caddy shares.",
    )
    exposed_by_default: bool = Field(
        False,
        description="Whether services without the label `traefik.enable` have routes too, as with Traefik's "
        "`exposedByDefault`.",
    )
    traefik_configuration: Literal["read", "ignore"] = Field(
        "read",
        description="Whether Traefik's own configuration (its command and files, in a Stack of the same "
        "host) counts for routes: middlewares of entry points, default rule, constraints. With `ignore` it "
        "is as if there were none.",
    )
    entry_points: dict[str, Literal["http", "https"]] = Field(
        default_factory=dict,
        description="What Traefik heard on entry points besides `web` (http) and `websecure` (https).",
    )
    bouncer: bool = Field(
        False, description="Whether banned addresses are refused at the Hosts that labels become."
    )


class Subnet(SpecModel):
    """Addresses of a network."""

    subnet: str = Field(examples=["172.19.0.0/16"], description="The range, in CIDR notation.")
    gateway: str | None = Field(None, description="The host's address in it.")
    ip_range: str | None = Field(None, description="The part of it that containers get addresses from.")


class NetworkSpec(SpecModel):
    """A network of a Docker host that several Stacks share (`external: true` in their Compose files)."""

    kind: ClassVar[str] = "Network"

    host: HostName = Field(description="The Docker host that it is on.")
    name: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$",
        description="Its name there; by default the resource's name.",
    )
    driver: str = Field("bridge", description="The driver.")
    subnets: tuple[Subnet, ...] = Field((), description="Its addresses; by default Docker chooses some.")
    internal: bool = Field(False, description="Whether it is cut off from the outside.")
    attachable: bool = Field(False, description="Whether containers of others may join an overlay network.")
    ipv6: bool = Field(False, description="Whether it has IPv6.")
    options: dict[str, str] = Field(default_factory=dict, description="Options of the driver.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the network.")
