"""Bans that would lock out whom they must not: why a change is dangerous, one sentence each. Pure.

Only what a change *adds* is judged. Otherwise each renewal of a ban that somebody approved would be blocked
again, and its end would be the price.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network

from argos_gitops.model.change import Change
from argos_gitops.providers.crowdsec.networks import Network, Ranges, parsed, spelled_network

_LOOPBACK = tuple(map(ip_network, ("127.0.0.0/8", "::1/128")))

# Where proxies, container bridges and the operator's own machines live. One such address may misbehave and
# be named by a Decision of scope Ip; a whole range of them is a slip, and shuts the operator out.
_PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)


def hazards_of(changes: Sequence[Change], protected: Sequence[Network], own_address: str) -> Sequence[str]:
    """One sentence for each kind of danger of each change; thousands of ranges take milliseconds."""
    own = () if own_address in ("", "127.0.0.1", "::1") else (ip_network(own_address),)
    dangers = (
        ("the protected address", tuple(protected)),
        ("this agent's own address", own),
        ("the loopback address", _LOOPBACK),
    )
    found: list[str] = []
    for change in changes:
        added = parsed(_added(change))
        for what, networks in dangers:
            found += _sentences(change, added, what, networks)
        if change.after is not None and change.after["scope"] == "Range":
            found += _sentences(change, added, "private addresses:", _PRIVATE)
    return found


def _added(change: Change) -> Iterable[str]:
    if change.after is None:
        return ()
    before = change.before["values"] if change.before is not None else ()
    return set(change.after["values"]).difference(before)


def _sentences(
    change: Change, added: Sequence[Ranges], what: str, networks: Iterable[Network]
) -> Iterator[str]:
    for network in networks:
        for family in added:
            met = family.meeting(network)
            if met:
                more = f" and {len(met) - 1:,} more" if len(met) > 1 else ""
                yield (
                    f"{change.owner} would ban {family.text(met[0])}{more}, which covers {what} "
                    f"{_told(network)}; take it out with an Allowlist, or approve this plan"
                )


def _told(network: Network) -> str:
    """A single address without its prefix length."""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else spelled_network(network)
