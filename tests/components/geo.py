"""A small country database in MaxMind's format, made of addresses that no real network uses."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import cycle
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

COUNTRIES = ("NG", "IR", "BR", "DE", "US")


def country_networks() -> Mapping[str, Sequence[str]]:
    """Which networks each country has: documentation ranges first, then many small ones.

    192.0.2.0/24 is US, 198.51.100.0/24 is NG, 203.0.113.0/25 is BR and 203.0.113.128/25 is DE. The
    512 networks of 198.18.0.0/15 (set aside for benchmarks, RFC 2544) and the 256 /40s of
    2001:db8::/32 go round all countries, so that hardly two neighbours can be joined.
    """
    networks = defaultdict(list)
    documentation = {
        "192.0.2.0/24": "US",
        "198.51.100.0/24": "NG",
        "203.0.113.0/25": "BR",
        "203.0.113.128/25": "DE",
    }
    for network, country in (*documentation.items(), *_dealt_out()):
        networks[country].append(network)
    return networks


def _dealt_out() -> Iterator[tuple[str, str]]:
    for block, prefix in (("198.18.0.0/15", 24), ("2001:db8::/32", 40)):
        for subnet, country in zip(
            ip_network(block).subnets(new_prefix=prefix), cycle(COUNTRIES), strict=False
        ):
            yield str(subnet), country


def write_country_database(path: Path, networks: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Writes the database to `path`; its records are `{"country": {"iso_code": "NG"}}`, as DB-IP's."""
    writer = MMDBWriter(ip_version=6, database_type="Argos-Test-Country", ipv4_compatible=True)
    for country, ranges in (networks or country_networks()).items():
        writer.insert_network(IPSet(ranges), {"country": {"iso_code": country}})
    writer.to_db_file(str(path))
    return path
