"""LAPI's own allowlists (`cscli allowlists`, CrowdSec 1.6.8 on). Pure: who reads them is provider.py.

Each `cscli allowlists add`, and each pull of blocklists, ends every decision that equals an entry, lies in
one, or contains one. So whatever an entry covers is taken out of our bans, as an Allowlist does it: a range
that stands beside an entry is never ended with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any, NamedTuple

from argos_gitops.providers.crowdsec.answers import moment, text
from argos_gitops.providers.crowdsec.networks import Network

_NEVER = 1
"""The year in which entries without an end are said to expire (Go's zero time)."""


class AllowedByLapi(NamedTuple):
    """The entries of one list that hold now."""

    name: str
    networks: tuple[Network, ...]

    @property
    def label(self) -> str:
        """How plans name it."""
        return f"LAPI's allowlist {self.name}"


def allowed_now(
    lists: Iterable[Mapping[str, Any]], now: datetime
) -> tuple[Sequence[AllowedByLapi], Sequence[str]]:
    """The lists with entries that hold at `now` (LAPI's clock), by name, and entries that are no network.

    Raises what `as_lapi_tells` knows when an answer is not as LAPI tells them.
    """
    found, unreadable = [], []
    for each in sorted(lists, key=lambda each: text(each["name"])):
        networks = set()
        for value in _values(each.get("items") or (), now):
            try:
                networks.add(ip_network(value, strict=False))
            except ValueError:
                unreadable.append(f"{value[:60]!r} in {each['name']}")
        if networks:
            ordered = sorted(networks, key=lambda network: (network.version, network))
            found.append(AllowedByLapi(each["name"], tuple(ordered)))
    return found, unreadable


def _values(items: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    for item in items:
        if not _expired(item.get("expiration"), now):
            yield text(item["value"])


def _expired(expiration: object, now: datetime) -> bool:
    if expiration in (None, "") or text(expiration).startswith(f"{_NEVER:04}-"):
        return False
    return moment(expiration) <= now
