"""A world small enough to hold in a test: one system, its inventory, and a git that says what should be.

It can be killed before a write, or between a write and its record, as an agent can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from argos_gitops.model.change import Action, Change
from argos_gitops.model.objects import InventoryEntry, LiveObject, ManagedObject
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import SUSPEND_ANNOTATION, ResourceKey
from argos_gitops.planning.diff import Situation, SystemDiff, diff
from argos_gitops.planning.holds import Suspended

NOW = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)
EDGE = ResourceKey("Edge", "main")
CADDY = SystemKey(EDGE, "caddy")
CROWDSEC = SystemKey(EDGE, "crowdsec")

Content = Mapping[str, Any]


def fields_of(content: Content) -> Mapping[str, str]:
    return {key: str(value) for key, value in content.items()}


def managed(object_id: str, content: Content, protected: bool = False) -> ManagedObject:
    """An object whose owner is told by its id: `host/wiki` belongs to Host/wiki."""
    return ManagedObject(object_id, owner_of(object_id), content, protected=protected)


def owner_of(object_id: str) -> ResourceKey:
    kind, _, name = object_id.partition("/")
    return ResourceKey(kind.capitalize(), name)


@dataclass
class World:
    """What exists and what we know of it. `foreign` ids are live, but neither ours nor marked so."""

    live: dict[str, Content] = field(default_factory=dict)
    foreign: dict[str, Content] = field(default_factory=dict)
    inventory: dict[str, InventoryEntry] = field(default_factory=dict)
    suspended: frozenset[ResourceKey] = frozenset()

    def difference(self, desired: Mapping[str, ManagedObject]) -> SystemDiff:
        return diff(self.situation(desired))

    def situation(self, desired: Mapping[str, ManagedObject]) -> Situation:
        found = {each: LiveObject(each, content, False) for each, content in self.foreign.items()}
        found |= {
            each: LiveObject(each, content, True, owner_of(each)) for each, content in self.live.items()
        }
        suspended = Suspended(dict.fromkeys(self.suspended, SUSPEND_ANNOTATION))
        return Situation(CADDY, desired, found, self.inventory, NOW, fields_of, (suspended,))

    def apply(self, desired: Mapping[str, ManagedObject], changes: Sequence[Change]) -> None:
        for change in changes:
            self.write(change)
            self.record(desired, change)

    def write(self, change: Change) -> None:
        self.foreign.pop(change.object_id, None)
        if change.action is Action.DELETE:
            self.live.pop(change.object_id, None)
        else:
            self.live[change.object_id] = change.after

    def record(self, desired: Mapping[str, ManagedObject], change: Change) -> None:
        if change.action is Action.DELETE:
            self.inventory.pop(change.object_id, None)
        else:
            self.inventory[change.object_id] = entry(desired[change.object_id])

    def settle(self, difference: SystemDiff) -> None:
        """What a pass records without a write."""
        for settled in difference.settled:
            self.inventory[settled.id] = entry(settled)
        for object_id in difference.forgotten:
            del self.inventory[object_id]

    def copy(self) -> "World":
        return World(dict(self.live), dict(self.foreign), dict(self.inventory), self.suspended)


def entry(wanted: ManagedObject) -> InventoryEntry:
    return InventoryEntry(wanted.id, wanted.owner, wanted.digest, wanted.protected, "a" * 40, NOW)


_ids = st.sampled_from([f"{kind}/{name}" for kind in ("host", "ban", "service") for name in "abcd"])
_contents: st.SearchStrategy[Content] = st.fixed_dictionaries(
    {"value": st.integers(0, 2)}, optional={"more": st.sampled_from("xy")}
)


@st.composite
def desires(draw: st.DrawFn) -> dict[str, ManagedObject]:
    """What git says: any objects, some of them protected."""
    chosen = draw(st.dictionaries(_ids, st.tuples(_contents, st.booleans())))
    return {each: managed(each, content, protected) for each, (content, protected) in chosen.items()}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Anything that can have happened: applied before, drifted, lost, marked but unknown, foreign."""
    live = draw(st.dictionaries(_ids, _contents))
    applied = draw(desires())
    foreign_ids = st.sampled_from(["route/1", "route/2", "host/a"])
    foreign = draw(st.dictionaries(foreign_ids.filter(lambda each: each not in live), _contents))
    inventory = {each: entry(wanted) for each, wanted in applied.items() if each not in foreign}
    suspended = draw(st.frozensets(_ids.map(owner_of), max_size=1))
    return World(live, foreign, inventory, suspended)
