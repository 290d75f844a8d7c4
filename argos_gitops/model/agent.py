"""The Agent kind: how the agent itself behaves."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from argos_gitops.model.containers import STALE_AFTER
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import ResourceSet
from argos_gitops.model.spec import Duration, SpecModel
from argos_gitops.model.window import WindowSpec

_SHORTEST_INTERVAL = timedelta(seconds=1)


class GuardSpec(SpecModel):
    """What a plan may do on one system without a person's approval of its digest.

    Whatever the limits: removing the last object of a kind, or all that git held, needs one too.
    """

    max_deletes: int = Field(20, ge=0, description="More removals than this, of all kinds together.")
    max_delete_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Removing a greater share of the objects of one kind; a single removal always may.",
    )
    max_updates: int = Field(100, ge=0, description="More changes by git than this, of all kinds together.")
    max_update_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Changing a greater share of the objects of one kind; five changes always may.",
    )
    protected_addresses: tuple[str, ...] = Field(
        (),
        description="Addresses and ranges that no ban may cover: the operator's own, monitoring, the office.",
    )

    @field_validator("protected_addresses")
    @classmethod
    def _are_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            try:
                ip_network(value, strict=False)
            except ValueError:
                raise ValueError("expected an IP address or a range such as 192.0.2.0/24") from None
        return values

    @property
    def protected_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(value, strict=False) for value in self.protected_addresses)


class StatusBranchSpec(SpecModel):
    """Where the agent writes what it saw and did."""

    enabled: bool = Field(True, description="Whether the status branch is written at all.")
    branch: str = Field(
        "argos/status/{instance}",
        min_length=1,
        description="Branch name; {instance} is the agent's instance.",
    )
    keep_plans: int = Field(100, ge=1, description="How many applied or blocked plans stay on the branch.")

    def branch_of(self, instance: str) -> str:
        return self.branch.replace("{instance}", instance)


class FlappingSpec(SpecModel):
    """When a drift that comes back again and again is no longer repaired at once."""

    repairs: int = Field(3, ge=1, description="So many repairs of one object within the span are flapping.")
    within: Duration = Field(timedelta(minutes=10), description="The span that repairs are counted in.")
    longest_pause: Duration = Field(
        timedelta(minutes=30),
        description="The pause between repairs doubles from each to the next, up to it.",
    )


class DriftSpec(SpecModel):
    """How the world is watched, and what is done where it moved away from what was applied."""

    mode: Literal["repair", "report", "propose"] = Field(
        "repair",
        description="`repair`: the applied state is put back. `report`: it is only told. `propose`: a pull "
        "request writes the live values into the repository. A resource's annotation argos.dev/drift wins.",
    )
    intervals: Mapping[str, Duration] = Field(
        default_factory=dict,
        description="How often each part is looked at, by the name of the part, such as caddy, decisions or "
        "countries. Default: 15s, 60s and 5m for these.",
    )
    flapping: FlappingSpec = Field(
        default_factory=FlappingSpec, description="What is repaired again and again is repaired less often."
    )

    @field_validator("intervals")
    @classmethod
    def _long_enough(cls, values: Mapping[str, timedelta]) -> Mapping[str, timedelta]:
        if any(value < _SHORTEST_INTERVAL for value in values.values()):
            raise ValueError("an interval is 1s at least")
        return values


class RetentionSpec(SpecModel):
    """How long things are kept in the store."""

    audit: Duration = Field(timedelta(days=30), description="Entries of the audit log.")
    notifications: Duration = Field(
        timedelta(days=30), description="Notifications that were sent or given up."
    )
    reports: Duration = Field(
        timedelta(days=30),
        description="How containers changed by the reports of push agents, and hosts that do not report any "
        "more.",
    )


class ReportsSpec(SpecModel):
    """What is expected of the push agents of Docker hosts."""

    stale_after: Duration = Field(
        STALE_AFTER,
        description="A host whose last report came longer ago is stale. More than the interval of its agent.",
    )


class AgentSpec(SpecModel):
    """How the agent itself behaves. At most one per repository."""

    kind: ClassVar[str] = "Agent"

    interval: Duration = Field(
        timedelta(seconds=60),
        description="How often git is asked for a new revision without being told of one.",
    )
    jitter: float = Field(
        0.1,
        ge=0,
        le=1,
        description="The share of the interval by which it varies, so that agents spread out.",
    )
    guard: GuardSpec = Field(default_factory=GuardSpec, description="Limits beyond which a plan is blocked.")
    drift: DriftSpec = Field(default_factory=DriftSpec, description="Watching for drift, and answering it.")
    windows: tuple[WindowSpec, ...] = Field((), description="When the agent may write, and when it may not.")
    rollback: Literal["off", "automatic"] = Field(
        "off",
        description="`automatic`: a target whose probes fail after a new revision goes back to the last "
        "revision that was healthy there, and stays until git moves.",
    )
    status: StatusBranchSpec = Field(default_factory=StatusBranchSpec, description="The status branch.")
    forge: ForgeSpec | None = Field(
        None, description="The forge that hosts the repository, for commit statuses and pull requests."
    )
    reports: ReportsSpec = Field(default_factory=ReportsSpec, description="The push agents of Docker hosts.")
    retention: RetentionSpec = Field(default_factory=RetentionSpec, description="How long things are kept.")

    @field_validator("interval")
    @classmethod
    def _not_hammering(cls, value: timedelta) -> timedelta:
        if value < _SHORTEST_INTERVAL:
            raise ValueError("an interval is 1s at least")
        return value


def agent_of(resources: ResourceSet) -> AgentSpec:
    """What a revision says about the agent; the defaults where it says nothing."""
    return next((agent.spec for agent in resources.of(AgentSpec).values()), AgentSpec())
