"""Decisions by address: a table for each length of prefix, asked from the longest to the shortest.

A lookup is at most as many dict lookups as there are different lengths. All that is known of a decision is
one number, so 300,000 of them take some 40 MB; several for one prefix are a tuple. One thread writes, any
may read meanwhile: each step leaves what is read whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

from argos_gitops.ports.verdict import Remedy

_BITS = {4: 32, 16: 128}
_MAPPED = bytes(10) + b"\xff\xff"
_MAPPED_BITS = 96

# A decision as a number: its id on top, then the second in which it ends, the look at everything that saw
# it last, and the number of its type and origin.
_KIND_BITS = 20
_PASS_BITS = 10
_END_BITS = 36
_PASS_SHIFT = _KIND_BITS
_END_SHIFT = _PASS_SHIFT + _PASS_BITS
_ID_SHIFT = _END_SHIFT + _END_BITS
_KIND_MASK = (1 << _KIND_BITS) - 1
_PASS_MASK = (1 << _PASS_BITS) - 1
_END_MASK = (1 << _END_BITS) - 1

_REMEDIES = {"captcha": Remedy.CAPTCHA}

Packed = int
Table = dict[int, Packed | tuple[Packed, ...]]


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of LAPI. `end` is in whole seconds of the clock that lookups are asked with."""

    id: int
    value: str
    type: str
    origin: str
    end: int


class Found(NamedTuple):
    """The decision that an address falls under."""

    remedy: Remedy
    origin: str
    scope: str
    end: int


def packed_address(text: str) -> bytes:
    """Four bytes, or sixteen; an IPv4 address in IPv6 form is one of IPv4. ValueError when it is none."""
    address = text.partition("%")[0]
    try:
        packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except OSError:
        raise ValueError(f"{text!r} is no IP address") from None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _packed_network(text: str) -> tuple[bytes, int]:
    """The bytes and the length of an address or range; ValueError when it is neither."""
    address, slash, given = text.partition("/")
    packed = packed_address(address)
    bits = _BITS[len(packed)]
    if not slash:
        return packed, bits
    length = int(given)
    if ":" in address and bits == _BITS[4]:
        length -= _MAPPED_BITS
    if not 0 <= length <= bits:
        raise ValueError(f"{text!r} is no range")
    return packed, length


class _Family:
    """The tables of one family, those of the longest prefixes first."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.tables: tuple[tuple[int, Table], ...] = ()

    def table(self, length: int) -> Table:
        shift = self.bits - length
        for known, table in self.tables:
            if known == shift:
                return table
        added: Table = {}
        self.tables = tuple(sorted((*self.tables, (shift, added)), key=lambda pair: pair[0]))
        return added


class DecisionIndex:
    """Decisions of addresses and ranges, several for one value among them."""

    def __init__(self) -> None:
        self._families = {4: _Family(_BITS[4]), 16: _Family(_BITS[16])}
        self._kinds: list[tuple[str, str]] = []
        self._kind_numbers: dict[tuple[str, str], int] = {}
        self._pass = 0
        self._count = 0
        self.version = 0
        """Another number whenever something has come or gone."""

    def __len__(self) -> int:
        """How many decisions there are, those that have run out since the last sweep among them."""
        return self._count

    def add(self, decision: Decision) -> None:
        """Adds a decision, or renews the one with its id. ValueError when its value is no network."""
        table, key = self._place(decision.value)
        before = _several(table.get(key))
        others = tuple(packed for packed in before if packed >> _ID_SHIFT != decision.id)
        self._keep(table, key, before, (*others, self._packed(decision)))

    def remove(self, decision_id: int, value: str) -> None:
        """Takes one decision out; others for the same value stay. ValueError as in `add`."""
        table, key = self._place(value)
        before = _several(table.get(key))
        after = tuple(packed for packed in before if packed >> _ID_SHIFT != decision_id)
        self._keep(table, key, before, after)

    def begin(self) -> None:
        """Begins a look at everything: what is added from now on has been seen by it."""
        self._pass = (self._pass + 1) & _PASS_MASK

    def sweep(self) -> None:
        """Ends that look: what it has not seen goes. Meanwhile nothing else was missing for a moment."""
        for table in self._tables():
            for key, entry in list(table.items()):
                before = _several(entry)
                seen = tuple(
                    packed for packed in before if (packed >> _PASS_SHIFT) & _PASS_MASK == self._pass
                )
                if len(seen) != len(before):
                    self._keep(table, key, before, seen)

    def find(self, address: bytes, now: float) -> Found | None:
        """The decision for a packed address: a ban before anything weaker, then the longest prefix."""
        number = int.from_bytes(address, "big")
        weaker: Found | None = None
        for shift, table in self._families[len(address)].tables:
            entry = table.get(number >> shift)
            if entry is None:
                continue
            found = self._best(entry, address, shift, now)
            if found is not None and found.remedy is Remedy.BAN:
                return found
            weaker = weaker or found
        return weaker

    def _best(
        self, entry: Packed | tuple[Packed, ...], address: bytes, shift: int, now: float
    ) -> Found | None:
        best: Found | None = None
        for packed in _several(entry):
            end = (packed >> _END_SHIFT) & _END_MASK
            if end <= now:
                continue
            kind, origin = self._kinds[packed & _KIND_MASK]
            remedy = _REMEDIES.get(kind, Remedy.BAN)
            if best is None or (remedy is Remedy.BAN, end) > (best.remedy is Remedy.BAN, best.end):
                best = Found(remedy, origin, _scope(address, shift), end)
        return best

    def _keep(self, table: Table, key: int, before: tuple[Packed, ...], after: tuple[Packed, ...]) -> None:
        self._count += len(after) - len(before)
        self.version += 1
        if after:
            table[key] = after if len(after) > 1 else after[0]
        else:
            table.pop(key, None)

    def _place(self, value: str) -> tuple[Table, int]:
        address, length = _packed_network(value)
        family = self._families[len(address)]
        return family.table(length), int.from_bytes(address, "big") >> (family.bits - length)

    def _packed(self, decision: Decision) -> Packed:
        kind = self._kind(decision.type.lower(), decision.origin)
        end = max(0, min(decision.end, _END_MASK))
        return (decision.id << _ID_SHIFT) | (end << _END_SHIFT) | (self._pass << _PASS_SHIFT) | kind

    def _kind(self, decision_type: str, origin: str) -> int:
        """The number of a type and origin. The millionth origin shares the number of the first."""
        key = (decision_type, origin)
        number = self._kind_numbers.get(key)
        if number is None:
            number = len(self._kinds) & _KIND_MASK
            self._kinds.append(key)
            self._kind_numbers[key] = number
        return number

    def _tables(self) -> Iterator[Table]:
        for family in self._families.values():
            for _, table in family.tables:
                yield table


def _pass_of(packed: Packed) -> int:
    return (packed >> _PASS_SHIFT) & _PASS_MASK


def _several(entry: Packed | tuple[Packed, ...] | None) -> tuple[Packed, ...]:
    if entry is None:
        return ()
    return (entry,) if isinstance(entry, int) else entry


def _scope(address: bytes, shift: int) -> str:
    """The prefix as text; the address itself where it is one."""
    family = AF_INET if len(address) == 4 else AF_INET6
    if not shift:
        return inet_ntop(family, address)
    bits = _BITS[len(address)]
    first = (int.from_bytes(address, "big") >> shift) << shift
    return f"{inet_ntop(family, first.to_bytes(len(address), 'big'))}/{bits - shift}"
