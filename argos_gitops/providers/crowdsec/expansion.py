"""All countries of one GeoIP database, aggregated, in a compact file that is read country by country.

The file: a line of JSON `{"NG": [[offset, count] of IPv4, [offset, count] of IPv6], …}`, then for each
family of each country the packed first addresses, followed by the prefix lengths, a byte each.
"""

import fcntl
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from argos_gitops.model.plan import Failure
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.crowdsec.networks import Ranges

_FORMAT = 1
_BYTES = (4, 16)
_STEP = 65_536
Index = Mapping[str, list[list[int]]]


@dataclass
class Expansion:
    """The expansion file of one database; each country is read when it is first asked for."""

    path: Path
    _index: Index
    _start: int
    _read: dict[str, tuple[Ranges, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "Expansion | None":
        """None when there is no whole file under that name."""
        try:
            with path.open("rb") as file:
                header = file.readline()
            return cls(path, orjson.loads(header), len(header))
        except (OSError, ValueError):
            return None

    def ranges(self, country: str) -> tuple[Ranges, ...]:
        if country not in self._read:
            families = self._index.get(country, [[0, 0], [0, 0]])
            with self.path.open("rb") as file:
                self._read[country] = tuple(
                    _column(os.pread(file.fileno(), count * (size + 1), self._start + offset), count, size)
                    for (offset, count), size in zip(families, _BYTES, strict=True)
                )
        return self._read[country]


def _column(packed: bytes, count: int, size: int) -> Ranges:
    end = count * size
    return Ranges([packed[at : at + size] for at in range(0, end, size)], packed[end:])


def digest_of_file(path: Path) -> str:
    """32 hex digits; empty when the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


def expansion_of(database: Path, digest: str, cache_dir: Path, progress: Progress) -> Expansion | Failure:
    """The expansion of `database`, made now if no earlier run did; one process at a time makes it."""
    path = cache_dir / f"countries-{_FORMAT}-{digest}.ranges"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with (cache_dir / "countries.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return Expansion.open(path) or _made(database, path, progress)
    except OSError as error:
        return Failure("GeoDatabaseUnreadable", f"{error.filename or database}: {error.strerror}")


def _made(database: Path, path: Path, progress: Progress) -> Expansion | Failure:
    import maxminddb

    try:
        with maxminddb.open_database(database) as reader:
            countries = _aggregated(reader, reader.metadata().node_count, progress)
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        return Failure("GeoDatabaseUnreadable", f"{database} is no database in MaxMind's format: {error}")
    _write(path, countries)
    for other in path.parent.glob("countries-*.ranges"):
        if other != path:
            other.unlink(missing_ok=True)
    made = Expansion.open(path)
    return made or Failure("GeoDatabaseUnreadable", f"{path} vanished while it was written; try again")


class Column:
    """The ranges of one country and family, in ascending order; neighbours are joined as they come."""

    __slots__ = ("bits", "firsts", "lengths")

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.firsts: list[int] = []
        self.lengths: list[int] = []

    def add(self, first: int, length: int) -> None:
        firsts, lengths = self.firsts, self.lengths
        while length and lengths and lengths[-1] == length:
            size = 1 << (self.bits - length)
            if firsts[-1] + size != first or firsts[-1] & size:
                break
            first = firsts.pop()
            length = lengths.pop() - 1
        firsts.append(first)
        lengths.append(length)

    def packed(self) -> bytes:
        size = self.bits // 8
        return b"".join(first.to_bytes(size, "big") for first in self.firsts) + bytes(self.lengths)


Countries = Mapping[str, tuple[Column, Column]]


def _aggregated(networks: Iterable[tuple[Any, Any]], expected: int, progress: Progress) -> Countries:
    countries: dict[str, tuple[Column, Column]] = defaultdict(lambda: (Column(32), Column(128)))
    with progress.task("reading the GeoIP database", expected) as task:
        for count, (network, record) in enumerate(networks, 1):
            code = _country_code(record)
            if code:
                column = countries[code][network.version == 6]
                column.add(int(network.network_address), network.prefixlen)
            if count % _STEP == 0:
                task.advance(_STEP)
    return countries


def _country_code(record: Any) -> str:
    """`{"country": {"iso_code": "NG"}}` (MaxMind, DB-IP) or `{"country_code": "NG"}` (ip-location-db)."""
    if not isinstance(record, dict):
        return ""
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code")
    return code if isinstance(code, str) else ""


def _write(path: Path, countries: Countries) -> None:
    """Under another name first, so that whoever reads finds it whole or not at all."""
    index: dict[str, list[list[int]]] = {}
    blocks: list[bytes] = []
    offset = 0
    for code, columns in sorted(countries.items()):
        index[code] = []
        for column in columns:
            block = column.packed()
            index[code].append([offset, len(column.firsts)])
            blocks.append(block)
            offset += len(block)
    staged = path.with_suffix(f".{os.getpid()}.new")
    with staged.open("wb") as file:
        file.write(orjson.dumps(index) + b"\n")
        file.writelines(blocks)
    staged.replace(path)
