"""The changes of a plan, one entry each, in aligned columns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from argos_gitops.model.change import Action, Cause, Change, FieldChange
from argos_gitops.model.plan import Held, Plan, SystemKey
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.holds import sentences
from argos_gitops.planning.render.lines import (
    Line,
    Segment,
    Style,
    columns,
    line,
    pad,
    shorten,
    shorten_pair,
    time_of_day,
    visible,
)

MAX_ENTRIES = 50
"""Entries of one symbol and kind on one target; more are counted, not listed."""

MAX_SINGLE = 100
"""Characters of a value that stands alone; of two, each gets `MAX_VALUE`."""

MAX_FIELDS = 8
"""Fields of one entry; more are counted, not listed."""

TERSE_FROM = 20
"""With so many entries on one target, what is created is named without its fields."""

_FIELDS_IN_SENTENCE = 5
_INDENT = 4
_MIN_COLUMN, _MAX_COLUMN = 22, 44


def entries(plan: Plan, now: datetime) -> Iterator[Line]:
    """Everything that would change, target by target; names the targets when there are several."""
    several = len({system.system.target for system in plan.systems}) > 1
    for target, found in groupby(plan.changes(), key=lambda pair: pair[0].target):
        if several:
            yield line(Segment(str(target), Style.STRONG))
        yield from _Entries(plan, [*found], now).lines()
        yield ()


def held_back(plan: Plan, now: datetime) -> Iterator[Line]:
    """Everything that waits, target by target, each under the sentence that says why."""
    yield from _held(plan, now, only_told=False)


def only_told(plan: Plan, now: datetime) -> Iterator[Line]:
    """Everything that differs where nothing is ever written, likewise."""
    yield from _held(plan, now, only_told=True)


def difference_of(change: Change) -> str:
    """What is found instead of what should be, in one sentence: `web: state is exited, not running`."""
    if change.action is Action.CREATE:
        return f"{change.object_id} is missing"
    if change.action is Action.DELETE:
        return f"{change.object_id} is there, and git does not have it"
    fields = [_found(each) for each in change.fields[:_FIELDS_IN_SENTENCE]]
    rest = len(change.fields) - len(fields)
    more = [f"{rest:,} more fields differ"] if rest > 0 else []
    return f"{change.object_id}: {', '.join([*fields, *more]) or 'differs in what is not shown'}"


def _found(field: FieldChange) -> str:
    """Whoever reads on has both ends at once, even of long values."""
    found, wanted = shorten_pair(field.before or "nothing", field.after or "nothing")
    return f"{visible(field.name)} is {found}, not {wanted}"


def _held(plan: Plan, now: datetime, *, only_told: bool) -> Iterator[Line]:
    groups: dict[tuple[ResourceKey, str], list[tuple[SystemKey, Held]]] = {}
    for system, held in plan.held():
        if held.only_told is only_told:
            groups.setdefault((system.target, held.message), []).append((system, held))
    for found in groups.values():
        for sentence in sentences(held for _, held in found):
            yield line("  ", Segment(visible(sentence), Style.WARN))
        waiting = [(system, held.change) for system, held in found]
        stays = only_told or found[0][1].accepted
        yield from _Entries(plan, waiting, now, stays=stays).lines()


class _Entries:
    """The entries of one target, which share a column. `stays`: nobody will repair what drifted."""

    def __init__(
        self, plan: Plan, found: Sequence[tuple[SystemKey, Change]], now: datetime, *, stays: bool = False
    ) -> None:
        self._plan, self._found, self._now, self._stays = plan, found, now, stays
        self._place = _place(found[0][0].target.kind)
        self._objects_of = Counter(change.owner for _, change in found)
        self._last_steps = Counter((c.owner, c.object_id.rpartition("/")[2]) for _, c in found)
        self._terse = len(found) >= TERSE_FROM
        names = (columns(self._name(change)) for _, change in found)
        labels = (columns(visible(field.name)) + 2 for _, change in found for field in change.fields)
        self._column = min(max(max((*names, *labels), default=0) + 2, _MIN_COLUMN), _MAX_COLUMN)

    def lines(self) -> Iterator[Line]:
        groups: Counter[tuple[str, Style, str]] = Counter()
        for _, change in self._found:
            group = (*_symbol(change), change.owner.kind)
            groups[group] += 1
            if groups[group] <= MAX_ENTRIES:
                yield from self._entry(change)
        for (symbol, style, kind), count in sorted(groups.items()):
            if count > MAX_ENTRIES:
                rest = f"… and {count - MAX_ENTRIES:,} more {visible(kind)} objects (see -o json)"
                yield line("  ", Segment(symbol, style), " ", Segment(rest, Style.DIM))

    def _entry(self, change: Change) -> Iterator[Line]:
        symbol, style = _symbol(change)
        name = pad(self._name(change), self._column)
        yield line("  ", Segment(f"{symbol} {name}", style), Segment(self._remark(change), Style.DIM))
        if change.note and change.cause is not Cause.EXPIRY:
            yield self._indented(Segment(visible(change.note), Style.WARN))
        yield from self._fields(change)

    def _name(self, change: Change) -> str:
        name = str(change.owner)
        if self._objects_of[change.owner] > 1:
            last = change.object_id.rpartition("/")[2]
            name = f"{name} {last if self._last_steps[change.owner, last] == 1 else change.object_id}"
        return shorten(name, _MAX_COLUMN - 2)

    def _remark(self, change: Change) -> str:
        if change.cause is Cause.DRIFT:
            return f"drift{self._since(change)}, {self._what_drifted(change)}"
        if change.cause is Cause.EXPIRY:
            return visible(change.note)
        if change.action is Action.DELETE:
            return f"removed in {self._plan.revision.short}"
        return visible(str(change.location)) if change.location else ""

    def _since(self, change: Change) -> str:
        return f" since {time_of_day(change.since, self._now)}" if change.since else ""

    def _what_drifted(self, change: Change) -> str:
        what, then = {
            Action.CREATE: (f"gone on the {self._place}", "; will be made again"),
            Action.UPDATE: ("not from git", "; will be repaired"),
            Action.DELETE: ("not in git", "; will be removed"),
        }[change.action]
        return what if self._stays else what + then

    def _fields(self, change: Change) -> Iterator[Line]:
        shown = change.fields if self._lists_fields(change) else ()
        for field in shown[:MAX_FIELDS]:
            yield self._field(change, field)
        if len(shown) > MAX_FIELDS:
            more = f"… and {len(shown) - MAX_FIELDS:,} more fields"
            yield self._indented(Segment(more, Style.DIM))
        if change.action is Action.UPDATE and change.cause is not Cause.EXPIRY and not change.fields:
            yield self._indented(Segment("differs in what is not shown", Style.DIM))

    def _lists_fields(self, change: Change) -> bool:
        drifted = change.cause is Cause.DRIFT
        if change.action is Action.CREATE:
            return not drifted and not self._terse
        return change.action is Action.UPDATE or drifted

    def _field(self, change: Change, field: FieldChange) -> Line:
        name = pad(shorten(field.name, self._column - 4), self._column - 2)
        return self._indented(Segment(name), Segment(self._values(change, field)))

    def _values(self, change: Change, field: FieldChange) -> str:
        if change.action is not Action.UPDATE:
            return shorten(field.before or field.after or "", MAX_SINGLE)
        if change.cause is Cause.DRIFT:
            return _arrow(field.after, field.before, f"(gone on the {self._place})")
        return _arrow(field.before, field.after, "(none)")

    def _indented(self, *segments: Segment) -> Line:
        return line(" " * (_INDENT + 2), *segments)


def _arrow(one: str | None, other: str | None, absent: str) -> str:
    """`from → to`; a missing end is told in words."""
    if one is None:
        return f"(none) → {shorten(other or '')}"
    if other is None:
        return f"{shorten(one)} → {absent}"
    return " → ".join(shorten_pair(one, other))


def _symbol(change: Change) -> tuple[str, Style]:
    if change.cause is Cause.DRIFT:
        return "!", Style.DRIFT
    if change.cause is Cause.EXPIRY:
        return "↻", Style.CHANGE
    return {
        Action.CREATE: ("+", Style.ADD),
        Action.UPDATE: ("~", Style.CHANGE),
        Action.DELETE: ("-", Style.REMOVE),
    }[change.action]


def _place(kind: str) -> str:
    """What people call a target: an Edge is `edge`, a DockerHost `docker host`."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in kind).strip()
