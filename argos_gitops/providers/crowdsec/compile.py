"""Resources become bans in LAPI's normal form. Pure: the GeoIP database does not change between two looks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from argos_gitops.model.objects import Content, ManagedObject, digest_of
from argos_gitops.model.resource import Resource, ResourceKey, ResourceSet
from argos_gitops.providers.crowdsec.allowed import AllowedByLapi
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.marks import Stamp, country_id, decision_id, scenario
from argos_gitops.providers.crowdsec.networks import Network, Ranges, parsed
from argos_gitops.providers.crowdsec.observe import (
    ENDS_WITHIN_SECONDS,
    CrowdSecLive,
    Standing,
    ban_content,
    stamp_of,
)

CountryRanges = Callable[[str], tuple[Ranges, ...] | None]
"""The ranges of a country; None without a GeoIP database, empty when that knows none."""


Taker = ResourceKey | str
"""What takes addresses out of bans: an Allowlist, or by its name one of LAPI's own."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """What an Allowlist, or one of LAPI's own, takes out on one Edge; `key` is how people are told of it."""

    key: Taker
    digest: str
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Ban:
    """One object on its way: what LAPI should hold for a resource. `taken` counts by Allowlist."""

    object_id: str
    content: Content
    taken: tuple[tuple[Taker, int], ...] = ()


class Compiler:
    """Compiles for one Edge. Countries are kept between passes, by all that they are made of."""

    def __init__(self, edge: str, margin: timedelta) -> None:
        self._edge = edge
        self._margin = margin.total_seconds()
        self._countries: dict[tuple[object, ...], Ban] = {}
        self.wholly_taken: dict[ResourceKey, str] = {}
        """Bans of the last compile of which nothing is left, and the lists that took it out."""

    def bans(
        self, resources: ResourceSet, live: CrowdSecLive, country: CountryRanges, geo_digest: str
    ) -> Iterator[tuple[Ban, ManagedObject]]:
        """Every ban that should stand, and the same as the object that the plan compares."""
        exempt = (*self._exempt(resources), *map(_exempt_by_lapi, live.allowed))
        self.wholly_taken = {}
        for decision in resources.of(DecisionSpec).values():
            ends = decision.spec.until
            if decision.spec.edge == self._edge and (ends is None or ends > live.observed_at):
                found = _decision(decision, exempt)
                if found.content["values"]:
                    yield self._managed(found, decision, live, ends)
                else:
                    self._note_taken(decision.key, found)
        for resource in resources.of(CountryBanSpec).values():
            if resource.spec.edge == self._edge:
                ban = self._country(resource, exempt, country, geo_digest)
                ban = ban or _what_stands(resource, exempt, live)
                if ban is not None and ban.content["values"]:
                    yield self._managed(ban, resource, live, None)
                elif ban is not None:
                    self._note_taken(resource.key, ban)

    def _exempt(self, resources: ResourceSet) -> Iterator[Exempt]:
        for allowlist in resources.of(AllowlistSpec).values():
            if allowlist.spec.holds_for(self._edge):
                networks = tuple(ip_network(entry.value) for entry in allowlist.spec.entries)
                yield Exempt(allowlist.key, allowlist.digest, networks)

    def _note_taken(self, key: ResourceKey, ban: Ban) -> None:
        if ban.taken:
            self.wholly_taken[key] = ", ".join(str(taker) for taker, _ in ban.taken)

    def _country(
        self,
        resource: Resource[CountryBanSpec],
        exempt: Sequence[Exempt],
        country: CountryRanges,
        geo_digest: str,
    ) -> Ban | None:
        """None when the database cannot tell: then whatever stands keeps standing."""
        made_of = (geo_digest, resource.digest, *(each.digest for each in exempt))
        known = self._countries.get(made_of)
        if known is None:
            ranges = country(resource.spec.country)
            if ranges is None or not any(ranges):
                return None
            self._countries = {key: ban for key, ban in self._countries.items() if key[0] == geo_digest}
            known = self._countries[made_of] = _country(resource, ranges, exempt)
        return known

    def _managed(
        self,
        ban: Ban,
        resource: Resource[DecisionSpec] | Resource[CountryBanSpec],
        live: CrowdSecLive,
        ends: datetime | None,
    ) -> tuple[Ban, ManagedObject]:
        renew_at = renewal(live.of(ban.object_id), ban.content, ends, self._margin)
        managed = ManagedObject(
            id=ban.object_id,
            owner=resource.key,
            content=ban.content,
            location=resource.location,
            protected=resource.protected,
            renew_at=renew_at,
        )
        return ban, managed


def _exempt_by_lapi(allowed: AllowedByLapi) -> Exempt:
    digest = digest_of([allowed.name, *map(str, allowed.networks)])
    return Exempt(allowed.label, digest, allowed.networks)


def renewal(standing: Standing, content: Content, ends: datetime | None, margin: float) -> datetime | None:
    """From when the first of the standing rows must be written again; never beyond the ban's own end."""
    found = standing.ends(stamp_of(content))
    last = ends.timestamp() - ENDS_WITHIN_SECONDS if ends is not None else float("inf")
    early = [end for value in content["values"] if (end := found.get(value)) is not None and end < last]
    return datetime.fromtimestamp(min(early) - margin, UTC) if early else None


def _decision(resource: Resource[DecisionSpec], exempt: Sequence[Exempt]) -> Ban:
    spec = resource.spec
    stamp = Stamp(spec.type, spec.scope, scenario(spec.edge, spec.reason, spec.until))
    values, taken = _without([spec.canonical_value], parsed([spec.canonical_value]), exempt)
    return Ban(decision_id(resource.name), ban_content(stamp, values), taken)


def _country(resource: Resource[CountryBanSpec], ranges: Sequence[Ranges], exempt: Sequence[Exempt]) -> Ban:
    texts = [text for family in ranges for text in family.texts()]
    values, taken = _without(texts, ranges, exempt)
    return Ban(country_id(resource.spec.country), ban_content(_country_stamp(resource), values), taken)


def _what_stands(
    resource: Resource[CountryBanSpec], exempt: Sequence[Exempt], live: CrowdSecLive
) -> Ban | None:
    """The country as it stands, minus Allowlists: neither made nor removed while its ranges are unknown."""
    object_id = country_id(resource.spec.country)
    standing = live.of(object_id)
    if standing.newest is None:
        return None
    texts = list(standing.ends(standing.newest))
    values, taken = _without(texts, parsed(texts), exempt)
    return Ban(object_id, ban_content(_country_stamp(resource), values), taken)


def _country_stamp(resource: Resource[CountryBanSpec]) -> Stamp:
    return Stamp("ban", "Range", scenario(resource.spec.edge, resource.spec.reason))


def _without(
    texts: list[str], ranges: Sequence[Ranges], exempt: Sequence[Exempt]
) -> tuple[list[str], tuple[tuple[Taker, int], ...]]:
    """Sorted texts of what no Allowlist takes out, and how many ranges each of them cut into.

    Ranges that nothing is taken out of keep their text, so an address stays one without `/32`.
    """
    taken: list[tuple[Taker, int]] = []
    for each in exempt:
        met = {
            (at, index)
            for at, family in enumerate(ranges)
            for network in each.networks
            for index in family.meeting(network)
        }
        if met:
            taken.append((each.key, len(met)))
    if taken:
        holes = [network for each in exempt for network in each.networks]
        texts = [text for family in ranges for text in family.without(holes)]
    return sorted(texts), tuple(taken)
