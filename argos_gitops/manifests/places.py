"""Where the nodes of a file stand; looked up only when a problem has to be reported."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any, NamedTuple

from ruamel.yaml import events
from ruamel.yaml.error import YAMLError

from argos_gitops.manifests.parsing import events_of
from argos_gitops.manifests.problems import Finding, Flaw, Pointer


class Place(NamedTuple):
    """Line and column, from 1, of a field's name and of its value (the same where there is no name)."""

    key: tuple[int, int]
    value: tuple[int, int]


def located(data: bytes, findings: Collection[tuple[int, Finding]]) -> list[Flaw]:
    """Findings (each with the number of its document) as flaws at the nearest node that exists."""
    wanted = {
        (number, *finding.pointer[:end])
        for number, finding in findings
        for end in range(len(finding.pointer) + 1)
    }
    places = _places(data, wanted)
    return [_flaw(places, number, finding) for number, finding in findings]


def _flaw(places: dict[Pointer, Place], number: int, finding: Finding) -> Flaw:
    pointer: Pointer = (number, *finding.pointer)
    exact = pointer in places
    while pointer and pointer not in places:
        pointer = pointer[:-1]
    place = places.get(pointer, Place((1, 1), (1, 1)))
    line, column = place.key if finding.at_key and exact else place.value
    return Flaw(line, column, finding.code, finding.message)


def _places(data: bytes, wanted: set[Pointer]) -> dict[Pointer, Place]:
    walk = _Walk(wanted)
    with suppress(YAMLError):  # what stands before a syntax error has its place all the same
        for event in events_of(data):
            walk.step(event)
    return walk.places


class _Walk:
    """Follows the events, knowing the pointer of the node that comes next."""

    def __init__(self, wanted: set[Pointer]) -> None:
        self.places: dict[Pointer, Place] = {}
        self._wanted = wanted
        self._path: list[Any] = [-1]
        self._in_mapping: list[bool] = [False]
        self._key: tuple[int, int] | None = None
        self._awaits_key = False
        self._complex_key = 0

    def step(self, event: Any) -> None:
        kind = type(event)
        if kind is events.DocumentStartEvent:
            self._path[0] += 1
        elif kind in (events.MappingEndEvent, events.SequenceEndEvent):
            self._leave()
        elif kind in (events.ScalarEvent, events.AliasEvent):
            self._node(event, None)
        elif kind in (events.MappingStartEvent, events.SequenceStartEvent):
            self._node(event, kind is events.MappingStartEvent)

    def _node(self, event: Any, mapping: bool | None) -> None:
        """A scalar or alias (`mapping` None), or the start of a collection."""
        mark = (event.start_mark.line + 1, event.start_mark.column + 1)
        if self._complex_key or (self._awaits_key and mapping is not None):
            self._inside_key(mapping)
            return
        if self._awaits_key:
            self._path[-1] = getattr(event, "value", None)
            self._key, self._awaits_key = mark, False
            return
        if self._in_mapping[-1] is False and len(self._path) > 1:
            self._path[-1] += 1
        self._note(mark)
        if mapping is None:
            self._awaits_key = self._in_mapping[-1]
        else:
            self._enter(mapping)

    def _note(self, mark: tuple[int, int]) -> None:
        pointer = tuple(self._path)
        if pointer in self._wanted and pointer not in self.places:
            self.places[pointer] = Place(self._key if self._in_mapping[-1] and self._key else mark, mark)

    def _enter(self, mapping: bool) -> None:
        self._in_mapping.append(mapping)
        self._path.append(None if mapping else -1)
        self._awaits_key = mapping

    def _leave(self) -> None:
        if self._complex_key:
            self._inside_key_left()
            return
        self._in_mapping.pop()
        self._path.pop()
        self._awaits_key = self._in_mapping[-1]

    def _inside_key(self, mapping: bool | None) -> None:
        """A collection as a key is refused by `reading`; here it only must not lead astray."""
        if mapping is not None:
            self._complex_key += 1

    def _inside_key_left(self) -> None:
        self._complex_key -= 1
        if not self._complex_key:
            self._path[-1], self._awaits_key = None, False
