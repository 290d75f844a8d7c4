"""The kind Schedule: what is done on Docker hosts now and then, besides bringing them to what git says."""

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from argos_gitops.model.cron import Cron, TimeZone
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel, reference

KEEP_LABEL = "argos.dev/keep"
"""Containers, images, networks and volumes with this label set to `true` are never cleaned up."""


def _checked_range(value: str) -> str:
    from semantic_version import NpmSpec

    try:
        NpmSpec(value)
    except ValueError:
        raise ValueError("expected a range of versions, such as ^1.27, ~2.11 or >=1 <3") from None
    return value


def _checked_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


Range = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_checked_range)]
Pattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked_pattern)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Selection(SpecModel):
    """What a Schedule is for. Each list narrows; one that is left out does not."""

    hosts: tuple[Annotated[str, reference("DockerHost")], ...] = Field((), description="Docker hosts.")
    stacks: tuple[Annotated[str, reference("Stack")], ...] = Field((), description="Stacks.")
    services: tuple[Name, ...] = Field((), description="Services of those Stacks, by Compose's names.")


class ImageRule(SpecModel):
    """Which newer version an image should have: by one of `semver`, `newest` and `digest`.

    Where it names none: the newest version that is compatible with the present one (`^` of it). A new tag
    always looks like the old one: as many numbers, the same `v` before, the same `-alpine` behind.
    """

    images: tuple[Name, ...] = Field(
        ("*",),
        min_length=1,
        examples=[["nginx", "ghcr.io/acme/*"]],
        description="Names of images without tag, `*` standing for anything.",
    )
    semver: Range | None = Field(None, examples=["^1.27"], description="The newest version in this range.")
    newest: Pattern | None = Field(
        None,
        examples=[r"(\d{4})-(\d{2})-(\d{2})"],
        description="The newest of the tags that this regular expression fits as a whole: by its groups, or "
        "all its numbers, compared as numbers.",
    )
    digest: bool = Field(
        False, description="The tag stays; its newest digest is pinned (`nginx:1.27@sha256:…`)."
    )
    pin_digest: bool = Field(False, description="Whether a new tag is written with its digest.")
    ignore: tuple[Pattern, ...] = Field(
        (), description="Tags to leave out, each a regular expression that fits a tag as a whole."
    )
    pre_releases: bool = Field(
        False, description="Whether versions such as 2.0.0-rc.1 count (`semver` alone)."
    )
    minimum_age: Duration = Field(
        timedelta(), description="An image that was built later than so long ago waits."
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if sum((self.semver is not None, self.newest is not None, self.digest)) > 1:
            raise ValueError("a rule names one of semver, newest and digest, or none of them")
        return self


class RegistryAccess(SpecModel):
    """How one registry is asked."""

    registry: str = Field(
        pattern=r"^[A-Za-z0-9.\[\]:-]+$",
        examples=["ghcr.io"],
        description="Its host, with a port if it has one; `docker.io` for Docker Hub.",
    )
    username: str | None = Field(None, min_length=1, description="Who we are there.")
    password: SecretRef | None = Field(None, description="Password or access token of that user.")
    ca: SecretRef | None = Field(
        None, description="Who signed its certificate, as PEM text; by default whom the system trusts."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class ImageUpdates(SpecModel):
    """Looks for newer images, and writes them into your Compose and env files, comments kept."""

    mode: Literal["report", "propose", "apply"] = Field(
        "propose",
        description="`propose` opens a pull request for each Stack, `apply` commits to the followed branch, "
        "`report` only says what there is.",
    )
    rules: tuple[ImageRule, ...] = Field(
        (ImageRule(),),
        description="The first that names an image counts; an image that none names is left alone.",
    )
    registries: tuple[RegistryAccess, ...] = Field(
        (), description="Registries that want to know who asks; others are asked anonymously."
    )


class CleanUp(SpecModel):
    """Removes what nothing needs any more from the selected hosts. What your Stacks name always stays."""

    mode: Literal["report", "apply"] = Field(
        "report", description="`report` removes nothing, and says what `apply` would."
    )
    images: Literal["none", "dangling", "unused"] = Field(
        "dangling",
        description="Images without a name (`dangling`), or all that no container uses (`unused`).",
    )
    stopped_containers: Duration | None = Field(
        None, description="Containers that stopped longer ago than this."
    )
    networks: bool = Field(False, description="Networks that no container is on, running or not.")
    build_cache: Duration | None = Field(
        None, description="Build cache that was not used for longer than this."
    )
    volumes: tuple[Name, ...] = Field(
        (), description="These volumes, once no container uses them. No other volume is ever removed."
    )
    minimum_age: Duration = Field(
        timedelta(hours=1), description="Images and networks made later than so long ago stay."
    )


class Restart(SpecModel):
    """Restarts the services of the selected Stacks, one after the other, each once the last is healthy."""

    timeout: Duration = Field(
        timedelta(minutes=5), description="How long a service may take to become healthy."
    )


class ScheduleSpec(SpecModel):
    """What is done on Docker hosts at certain times: image updates, cleaning up, or restarts."""

    kind: ClassVar[str] = "Schedule"

    cron: Cron = Field(
        examples=["30 4 * * 1-5"],
        description="When, as a cron expression of five fields: minute, hour, day, month and day of the week "
        "from Sunday (0 or 7).",
    )
    time_zone: TimeZone = Field("UTC", description="Time zone of `cron`, such as Europe/Berlin.")
    missed: Literal["skip", "run"] = Field(
        "skip", description="Whether a time at which no agent ran is made up for when one starts."
    )
    select: Selection = Field(Selection(), description="What it is for; by default everything.")
    image_updates: ImageUpdates | None = Field(None, description="Look for newer images.")
    clean_up: CleanUp | None = Field(None, description="Remove what nothing needs.")
    restart: Restart | None = Field(None, description="Restart services.")

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        actions = (self.image_updates, self.clean_up, self.restart)
        if sum(action is not None for action in actions) != 1:
            raise ValueError("a Schedule has exactly one of imageUpdates, cleanUp and restart")
        if self.restart is not None and not (self.select.hosts or self.select.stacks):
            raise ValueError("a restart selects hosts or stacks; everything at once is never meant")
        return self
