"""What an address falls under, found by going through a list: what every faster way has to agree with."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import Found
from argos_gitops.providers.crowdsec.bouncer.index import Decision

_MAPPED = IPv6Network("::ffff:0:0/96")

Network = IPv4Network | IPv6Network
Answer = tuple[Remedy, str, Network, int]
"""Remedy, origin, the network that it is for, and its end."""


def network_of(value: str) -> Network:
    """An IPv4 network in IPv6 form is one of IPv4. ValueError when it is none."""
    network = ip_network(value, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        return IPv4Network((first, network.prefixlen - 96))
    return network


def address_of(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def remedy_of(decision: Decision) -> Remedy:
    return Remedy.CAPTCHA if decision.type == "captcha" else Remedy.BAN


def plain_answers(decisions: Iterable[Decision], address: str, now: float) -> set[Answer | None]:
    """All that are right: of decisions that differ in their origin alone, any. Values are networks."""
    asked = address_of(address)
    covering: list[Answer] = [
        (remedy_of(each), each.origin, network, each.end)
        for each in decisions
        if each.end > now
        and (network := network_of(each.value)).version == asked.version
        and asked in network
    ]
    bans = [each for each in covering if each[0] is Remedy.BAN]
    best = max(((each[2].prefixlen, each[3]) for each in bans or covering), default=None)
    return {each for each in bans or covering if (each[2].prefixlen, each[3]) == best} or {None}


def answer_of(found: Found | None) -> Answer | None:
    return None if found is None else (found.remedy, found.origin, ip_network(found.scope), found.end)
