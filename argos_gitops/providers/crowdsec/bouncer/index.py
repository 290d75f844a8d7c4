"""Decisions by address: a table for each length of prefix, asked from the longest to the shortest.

A lookup is at most as many dict lookups as there are different lengths. All that is known of a decision is
one number, so 300,000 of them take some 40 MB; several for one prefix are a tuple. One thread writes, any
may read meanwhile: each step leaves what is read whole.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import (
    BITS,
    Held,
    Placed,
    Row,
    family_of,
    pack,
    packed_network,
)

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

MOST_CHANGES = 5_000
"""So many changed prefixes are told one by one; more are told as everything anew."""

Packed = int


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of LAPI. `end` is in whole seconds of the clock that lookups are asked with."""

    id: int
    value: str
    type: str
    origin: str
    end: int


class Table(dict[int, Packed | tuple[Packed, ...]]):
    """The decisions of one length of prefix, by the first `length` bits as a number."""

    def __init__(self, bits: int, length: int) -> None:
        super().__init__()
        self.bits = bits
        self.length = length
        self.shift = bits - length


class _Family:
    """The tables of one family, those of the longest prefixes first."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.tables: tuple[Table, ...] = ()

    def table(self, length: int) -> Table:
        for known in self.tables:
            if known.length == length:
                return known
        added = Table(self.bits, length)
        self.tables = tuple(sorted((*self.tables, added), key=lambda table: table.shift))
        return added


class DecisionIndex:
    """Decisions of addresses and ranges, several for one value among them."""

    def __init__(self) -> None:
        self._families = {size: _Family(bits) for size, bits in BITS.items()}
        self._kinds: list[tuple[str, str]] = []
        self._kind_numbers: dict[tuple[str, str], int] = {}
        self._pass = 0
        self._count = 0
        self._changed: dict[tuple[int, int, int], Table] | None = None

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
                seen = tuple(packed for packed in before if _pass_of(packed) == self._pass)
                if len(seen) != len(before):
                    self._keep(table, key, before, seen)

    def active(self) -> Mapping[tuple[str, str, str], int]:
        """How many decisions there are by origin, type, and `ipv4` or `ipv6`."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for size, family in self._families.items():
            name = family_of(bytes(size))
            for table in family.tables:
                for entry in list(table.values()):
                    for packed in _several(entry):
                        kind, origin = self._kinds[packed & _KIND_MASK]
                        counts[origin, kind, name] += 1
        return counts

    def take_changes(self) -> Sequence[Placed] | None:
        """What changed since this, or `pack`, was asked last; None where that is told as everything anew."""
        changed = self._changed
        if changed is None:
            return None
        self._changed = {}
        return [
            Placed(bits, length, key, tuple(self._held(table.get(key))))
            for (bits, length, key), table in changed.items()
        ]

    def pack(self) -> bytes:
        """All decisions for `planning.decisions.DecisionTable`; changes are told from here on."""
        self._changed = {}
        kinds = [(_REMEDIES.get(kind, Remedy.BAN), origin) for kind, origin in self._kinds]
        return pack(((table.bits, table.length, _rows(table)) for table in self._tables()), kinds)

    def _held(self, entry: Packed | tuple[Packed, ...] | None) -> Iterator[Held]:
        for packed in _several(entry):
            kind, origin = self._kinds[packed & _KIND_MASK]
            yield Held(_REMEDIES.get(kind, Remedy.BAN), origin, _end_of(packed))

    def _keep(self, table: Table, key: int, before: tuple[Packed, ...], after: tuple[Packed, ...]) -> None:
        self._count += len(after) - len(before)
        if after:
            table[key] = after if len(after) > 1 else after[0]
        else:
            table.pop(key, None)
        if self._changed is not None and list(map(_lasting, before)) != list(map(_lasting, after)):
            self._changed[table.bits, table.length, key] = table
            if len(self._changed) > MOST_CHANGES:
                self._changed = None

    def _place(self, value: str) -> tuple[Table, int]:
        address, length = packed_network(value)
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
            yield from family.tables


def _rows(table: Table) -> list[Row]:
    return [
        Row(key, _end_of(packed), packed & _KIND_MASK)
        for key, entry in table.items()
        for packed in _several(entry)
    ]


def _end_of(packed: Packed) -> int:
    return (packed >> _END_SHIFT) & _END_MASK


def _pass_of(packed: Packed) -> int:
    return (packed >> _PASS_SHIFT) & _PASS_MASK


def _lasting(packed: Packed) -> Packed:
    """A decision without the look that saw it last."""
    return packed & ~(_PASS_MASK << _PASS_SHIFT)


def _several(entry: Packed | tuple[Packed, ...] | None) -> tuple[Packed, ...]:
    if entry is None:
        return ()
    return (entry,) if isinstance(entry, int) else entry
