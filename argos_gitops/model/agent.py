"""The Agent kind: how the agent itself behaves."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import ClassVar

from pydantic import Field, field_validator

from argos_gitops.model.spec import SpecModel


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


class AgentSpec(SpecModel):
    """How the agent behaves: guard thresholds and the status branch. At most one per repository."""

    kind: ClassVar[str] = "Agent"

    guard: GuardSpec = Field(default_factory=GuardSpec, description="Limits beyond which a plan is blocked.")
    status: StatusBranchSpec = Field(default_factory=StatusBranchSpec, description="The status branch.")
