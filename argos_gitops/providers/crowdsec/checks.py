"""What a schema cannot say of a whole revision: doubles, contradictions, and Edges without CrowdSec."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import Check
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.networks import Network
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings


def decisions_are_told_once(resources: ResourceSet) -> Iterator[Problem]:
    """One value twice on one Edge: which type, reason and end would hold?

    A Decision inside the range of another is fine: both stand, and each ends for itself.
    """
    seen: dict[tuple[str, Network], Resource[DecisionSpec]] = {}
    for decision in resources.of(DecisionSpec).values():
        spec = decision.spec
        first = seen.setdefault((spec.edge, ip_network(spec.canonical_value)), decision)
        if first is not decision:
            yield Problem(
                decision.location,
                "DuplicateDecision",
                f"{decision.key} decides on {spec.canonical_value}, and so does {first.key} at "
                f"{first.location}; keep one of them",
            )


def decisions_are_not_allowlisted(resources: ResourceSet) -> Iterator[Problem]:
    """A Decision of which an Allowlist leaves nothing; one that loses a part of its range is fine."""
    lists = resources.of(AllowlistSpec)
    for decision in resources.of(DecisionSpec).values():
        value = ip_network(decision.spec.canonical_value)
        for allowlist in lists.values():
            if allowlist.spec.holds_for(decision.spec.edge) and _covers(allowlist.spec, value):
                yield Problem(
                    decision.location,
                    "DecisionAllowlisted",
                    f"{decision.key} decides on {decision.spec.canonical_value}, all of which "
                    f"{allowlist.key} at {allowlist.location} takes out; remove one of them",
                )


def countries_are_banned_once(resources: ResourceSet) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Resource[CountryBanSpec]] = {}
    for ban in resources.of(CountryBanSpec).values():
        first = seen.setdefault((ban.spec.edge, ban.spec.country), ban)
        if first is not ban:
            yield Problem(
                ban.location,
                "DuplicateCountry",
                f"{ban.key} bans {ban.spec.country} on Edge/{ban.spec.edge}, and so does {first.key} at "
                f"{first.location}; keep one of them",
            )


def edges_have_crowdsec(resources: ResourceSet) -> Iterator[Problem]:
    """An Edge that does not exist at all is found by its reference."""
    for key, location, edge in _uses(resources):
        target = resources.get(ResourceKey("Edge", edge))
        if target is not None and not _has_section(target):
            yield Problem(
                location,
                "EdgeWithoutCrowdSec",
                f"{key} is meant for Edge/{edge}, which has no `crowdsec:` section "
                f"({target.location}); add one, or remove {key}",
            )


def _uses(resources: ResourceSet) -> Iterator[tuple[ResourceKey, Location, str]]:
    for decision in resources.of(DecisionSpec).values():
        yield decision.key, decision.location, decision.spec.edge
    for ban in resources.of(CountryBanSpec).values():
        yield ban.key, ban.location, ban.spec.edge
    for allowlist in resources.of(AllowlistSpec).values():
        for edge in allowlist.spec.edges:
            yield allowlist.key, allowlist.location, edge


def _has_section(edge: AnyResource) -> bool:
    return isinstance(getattr(edge.spec, "crowdsec", None), CrowdSecSettings)


def _covers(allowlist: AllowlistSpec, value: Network) -> bool:
    return _inside(value, (ip_network(entry.value) for entry in allowlist.entries))


def _inside(value: Network, networks: Iterable[Network]) -> bool:
    first, last = int(value.network_address), int(value.broadcast_address)
    return any(
        network.version == value.version
        and int(network.network_address) <= first
        and last <= int(network.broadcast_address)
        for network in networks
    )


CHECKS: tuple[Check, ...] = (
    decisions_are_told_once,
    decisions_are_not_allowlisted,
    countries_are_banned_once,
    edges_have_crowdsec,
)
