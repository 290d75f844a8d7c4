"""Which decision an address falls under, found in packed bytes that many processes can share.

Decisions stand in a table for each length of prefix, sorted by prefix: a lookup is one bisection for each
length that there is, from the longest to the shortest. What came or went since the bytes were packed stands
beside them, by prefix. Nothing here knows where decisions come from.
"""

import json
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any, Literal, NamedTuple

from argos_gitops.model.verdict import Remedy, Verdict

BITS = {4: 32, 16: 128}
"""Bits of an address by its bytes."""
_MAPPED = bytes(10) + b"\xff\xff"
_MAPPED_BITS = 96
_HEAD = struct.Struct("<Q")
_ALIGNMENT = 8
_WORDS: dict[int, Literal["I", "Q"]] = {32: "I", 64: "Q"}
_LONGEST_WORD = 64
_LATEST = (1 << 32) - 1

_LET_IN = Verdict(Remedy.ALLOW, certain=False)
_KEPT_OUT = Verdict(Remedy.BAN, certain=False)


class Held(NamedTuple):
    """One decision of a prefix. `end` is in whole seconds of the clock that lookups are asked with."""

    remedy: Remedy
    origin: str
    end: int


class Found(NamedTuple):
    """The decision that an address falls under."""

    remedy: Remedy
    origin: str
    scope: str
    end: int


class Placed(NamedTuple):
    """All decisions of one prefix, none if it has none any more.

    `bits` is 32 or 128, `length` that of the prefix, `key` the first `length` bits as a number.
    """

    bits: int
    length: int
    key: int
    held: Sequence[Held]


class Row(NamedTuple):
    """A decision on its way into a table; `kind` is the number of its remedy and origin."""

    key: int
    end: int
    kind: int


def packed_address(text: str) -> bytes:
    """Four bytes, or sixteen; an IPv4 address in IPv6 form is one of IPv4. ValueError when it is none."""
    address = text.partition("%")[0]
    try:
        packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except (OSError, ValueError):  # ValueError for a NUL in it
        raise ValueError(f"{text!r} is no IP address") from None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def family_of(packed: bytes) -> str:
    """`ipv4` or `ipv6`, of a packed address."""
    return "ipv4" if len(packed) == 4 else "ipv6"


def packed_network(text: str) -> tuple[bytes, int]:
    """The bytes and the length of an address or range; ValueError when it is neither."""
    address, slash, given = text.partition("/")
    packed = packed_address(address)
    bits = BITS[len(packed)]
    if not slash:
        return packed, bits
    length = int(given)
    if ":" in address and bits == BITS[4]:
        length -= _MAPPED_BITS
    if not 0 <= length <= bits:
        raise ValueError(f"{text!r} is no range")
    return packed, length


def scope_of(address: bytes, length: int) -> str:
    """The prefix of an address as text; the address itself where it is all of it."""
    shift = BITS[len(address)] - length
    first = ((int.from_bytes(address, "big") >> shift) << shift).to_bytes(len(address), "big")
    text = inet_ntop(AF_INET if len(address) == 4 else AF_INET6, first)
    return f"{text}/{length}" if shift else text


def best(held: Iterable[Held], now: float) -> Held | None:
    """Of the decisions of one prefix: a ban before anything weaker, then the one that ends last."""
    found: Held | None = None
    for each in held:
        if each.end <= now:
            continue
        if found is None or (each.remedy is Remedy.BAN, each.end) > (found.remedy is Remedy.BAN, found.end):
            found = each
    return found


def verdict_of(found: Found | None, now: float, fresh_until: float, *, closed: bool) -> Verdict:
    """What follows of the decision that was found, or of none; after `fresh_until` none is no certainty."""
    if found is not None:
        return Verdict(found.remedy, found.origin, found.scope, until=found.end)
    if now < fresh_until:
        return Verdict(Remedy.ALLOW, until=fresh_until)
    return _KEPT_OUT if closed else _LET_IN


def pack(tables: Iterable[tuple[int, int, list[Row]]], kinds: Sequence[tuple[Remedy, str]]) -> bytes:
    """The tables (bits, length of prefix, rows in any order) as bytes for `DecisionTable`.

    After a head in JSON come three arrays for each: the prefixes in order, the ends, the kinds.
    """
    parts: list[bytes] = []
    described = []
    for bits, length, rows in tables:
        rows.sort()
        described.append([bits, length, len(rows)])
        parts += [
            _padded(_keys(bits, length, rows)),
            _padded(array("I", (min(row.end, _LATEST) for row in rows)).tobytes()),
            _padded(array("I", (row.kind for row in rows)).tobytes()),
        ]
    head = json.dumps({"tables": described, "kinds": kinds}).encode()
    return b"".join((_HEAD.pack(len(head)), _padded(head), *parts))


def _keys(bits: int, length: int, rows: Sequence[Row]) -> bytes:
    word = _word(bits, length)
    if word:
        return array(_WORDS[word], (row.key for row in rows)).tobytes()
    return b"".join(row.key.to_bytes(bits // 8, "big") for row in rows)


def _word(bits: int, length: int) -> int:
    """Bits of the number that a prefix fits in; 0 where it fits in none, and stands as bytes."""
    return bits if bits == BITS[4] else _LONGEST_WORD if length <= _LONGEST_WORD else 0


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


class _Keys:
    """Prefixes that fit in no machine word, as a sequence of numbers."""

    def __init__(self, view: memoryview, width: int) -> None:
        self._view, self._width = view, width

    def __len__(self) -> int:
        return len(self._view) // self._width

    def __getitem__(self, index: int) -> int:
        begin = index * self._width
        return int.from_bytes(self._view[begin : begin + self._width], "big")


class _Table:
    """The decisions of one length of prefix: those of the packed bytes, and those that came since."""

    def __init__(self, bits: int, length: int) -> None:
        self.length = length
        self.shift = bits - length
        self.since: dict[int, Sequence[Held]] = {}
        self._keys: Sequence[int] | memoryview | _Keys = ()
        self._ends: Sequence[int] | memoryview = ()
        self._kinds: Sequence[int] | memoryview = ()
        self._held: Sequence[tuple[Remedy, str]] = ()

    def over(
        self,
        keys: memoryview | _Keys,
        ends: memoryview,
        kinds: memoryview,
        names: Sequence[tuple[Remedy, str]],
    ) -> None:
        """Puts the arrays of packed bytes under what came since; `names` are those that `kinds` number."""
        self._keys, self._ends, self._kinds, self._held = keys, ends, kinds, names

    def held(self, key: int) -> Iterable[Held]:
        since = self.since.get(key)
        return self._packed(key) if since is None else since

    def _packed(self, key: int) -> Iterator[Held]:
        keys, count = self._keys, len(self._keys)
        at = bisect_left(keys, key)
        while at < count and keys[at] == key:
            remedy, origin = self._held[self._kinds[at]]
            yield Held(remedy, origin, self._ends[at])
            at += 1


class DecisionTable:
    """All decisions of one edge. `view` are the bytes that `pack` made, kept as long as this lives.

    ValueError when they are none.
    """

    def __init__(self, view: memoryview | None = None) -> None:
        self._tables: dict[tuple[int, int], _Table] = {}
        self._ordered: dict[int, tuple[_Table, ...]] = dict.fromkeys(BITS.values(), ())
        if view is not None:
            self._read(view)

    def change(self, changes: Iterable[Placed]) -> None:
        for bits, length, key, held in changes:
            self._table(bits, length).since[key] = held

    def find(self, address: bytes, now: float) -> Found | None:
        """The decision for a packed address: a ban before anything weaker, then the longest prefix."""
        number = int.from_bytes(address, "big")
        weaker: Found | None = None
        for table in self._ordered[BITS[len(address)]]:
            held = best(table.held(number >> table.shift), now)
            if held is None:
                continue
            found = Found(held.remedy, held.origin, scope_of(address, table.length), held.end)
            if found.remedy is Remedy.BAN:
                return found
            weaker = weaker or found
        return weaker

    def _table(self, bits: int, length: int) -> _Table:
        table = self._tables.get((bits, length))
        if table is None:
            table = self._tables[bits, length] = _Table(bits, length)
            others = (*self._ordered[bits], table)
            self._ordered[bits] = tuple(sorted(others, key=lambda each: each.shift))
        return table

    def _read(self, view: memoryview) -> None:
        (size,) = _HEAD.unpack_from(view)
        at = _HEAD.size
        head: Mapping[str, list[list[Any]]] = json.loads(bytes(view[at : at + size]))
        at += size + -size % _ALIGNMENT
        kinds = [(Remedy(remedy), str(origin)) for remedy, origin in head["kinds"]]
        for bits, length, count in head["tables"]:
            word = _word(bits, length)
            parts = []
            for width in ((word or bits) // 8, 4, 4):
                parts.append(view[at : at + count * width])
                at += count * width + -(count * width) % _ALIGNMENT
            keys = parts[0].cast(_WORDS[word]) if word else _Keys(parts[0], bits // 8)
            self._table(bits, length).over(keys, parts[1].cast("I"), parts[2].cast("I"), kinds)
