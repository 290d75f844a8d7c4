"""Addresses and ranges as packed bytes: 100,000 of them are sorted, searched and cut in milliseconds.

Four bytes are IPv4, sixteen IPv6; bytes of one length sort as their addresses do. Text comes from
inet_ntop alone, so that one address has one spelling under every Python version.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

Network = IPv4Network | IPv6Network

_FAMILIES = {4: AF_INET, 16: AF_INET6}


def canonical_address(text: str) -> str:
    """The address in its one spelling; ValueError says what was expected."""
    try:
        address = ip_address(text)
    except ValueError:
        hint = "; for a range use scope Range" if "/" in text else ""
        raise ValueError(f"{text!r} is no IP address such as 203.0.113.7 or 2001:db8::7{hint}") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(f"{text!r} has a zone; only addresses that are valid everywhere can be banned")
    return _spelled(address.packed)


def canonical_network(text: str) -> str:
    """The range in its one spelling, `/32` or `/128` for an address; ValueError says what was expected."""
    address, slash, length = text.partition("/")
    first = canonical_address(address)
    if not slash:
        return f"{first}/{_bits(first)}"
    if not (length.isascii() and length.isdecimal()) or int(length) > _bits(first):
        raise ValueError(f"{text!r} is no range such as 203.0.113.0/24 or 2001:db8::/32")
    network = ip_network(f"{first}/{int(length)}", strict=False)
    spelled = spelled_network(network)
    if spelled != f"{first}/{int(length)}":
        raise ValueError(f"{text!r} has bits set beyond /{int(length)}; did you mean {spelled}?")
    return spelled


def spelled_network(network: Network) -> str:
    return f"{_spelled(network.network_address.packed)}/{network.prefixlen}"


def _spelled(packed: bytes) -> str:
    return inet_ntop(_FAMILIES[len(packed)], packed)


def _bits(address: str) -> int:
    return 128 if ":" in address else 32


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of one family that do not overlap, in ascending order: first addresses and prefix lengths."""

    firsts: Sequence[bytes]
    lengths: Sequence[int]

    def __len__(self) -> int:
        return len(self.firsts)

    def texts(self) -> list[str]:
        family = _FAMILIES[len(self.firsts[0])] if self.firsts else AF_INET
        return [
            f"{inet_ntop(family, first)}/{length}"
            for first, length in zip(self.firsts, self.lengths, strict=True)
        ]

    def meeting(self, network: Network) -> range:
        """The indices of the ranges that share an address with `network`."""
        low, high = network.network_address.packed, network.broadcast_address.packed
        if not self.firsts or len(self.firsts[0]) != len(low):
            return range(0)
        start = bisect_right(self.firsts, low)
        if start and self._last(start - 1) >= low:
            start -= 1
        return range(start, bisect_right(self.firsts, high))

    def text(self, index: int) -> str:
        return f"{_spelled(self.firsts[index])}/{self.lengths[index]}"

    def without(self, holes: Iterable[Network]) -> list[str]:
        """What is left, as texts, when every address of `holes` is taken out; exact, in fewest ranges."""
        gaps: dict[int, list[Network]] = {}
        for hole in holes:
            for index in self.meeting(hole):
                gaps.setdefault(index, []).append(hole)
        texts = self.texts()
        for index in sorted(gaps, reverse=True):
            texts[index : index + 1] = _cut(ip_network(texts[index]), gaps[index])
        return texts

    def _last(self, index: int) -> bytes:
        first = self.firsts[index]
        size = 1 << (8 * len(first) - self.lengths[index])
        return (int.from_bytes(first, "big") + size - 1).to_bytes(len(first), "big")


def parsed(texts: Iterable[str]) -> tuple[Ranges, Ranges]:
    """IPv4 and IPv6 of canonical addresses and ranges that do not overlap within a family."""
    families: dict[int, list[tuple[bytes, int]]] = {4: [], 16: []}
    for text in texts:
        address, _, length = text.partition("/")
        packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
        families[len(packed)].append((packed, int(length or 8 * len(packed))))
    v4, v6 = (Ranges(*_columns(sorted(found))) for found in families.values())
    return v4, v6


def _columns(pairs: Sequence[tuple[bytes, int]]) -> tuple[list[bytes], list[int]]:
    return [first for first, _ in pairs], [length for _, length in pairs]


def _cut(network: Network, holes: Iterable[Network]) -> list[str]:
    """`network` minus the holes that meet it."""
    left: list[str] = []
    start, end = int(network.network_address), int(network.broadcast_address)
    for hole in sorted(holes, key=lambda hole: int(hole.network_address)):
        first, last = int(hole.network_address), int(hole.broadcast_address)
        left += _span(network, start, min(first - 1, end))
        start = max(start, last + 1)
    return left + _span(network, start, end)


def _span(network: Network, first: int, last: int) -> list[str]:
    """The fewest ranges from one address to another; none when `first` lies beyond `last`."""
    return [spelled_network(each) for each in _summarized(network, first, last)]


def _summarized(network: Network, first: int, last: int) -> Iterator[Network]:
    if first > last:
        return iter(())
    if isinstance(network, IPv4Network):
        return summarize_address_range(IPv4Address(first), IPv4Address(last))
    return summarize_address_range(IPv6Address(first), IPv6Address(last))
