"""Variables that nobody set, and where the blank ends that Compose takes instead.

Compose itself says which those are, in its warnings. Where each of them ends it says too: asked once more
with some value for it, the model differs in just those places. So nobody but Compose reads `${…}`.

Facts: compose-go 1.20 to 2.9, `template/template.go`: a variable without a default warns in these words.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.masking import is_secret_name

Way = tuple[str | int, ...]
Tried = Callable[[Mapping[str, str]], Mapping[str, Any] | None]
"""The model with these values for variables; None where Compose refuses them."""

_UNSET = re.compile(r'^The "([^"\n]+)" variable is not set')
_VALUES = ("47011", "1", "/47011", "47011s", "true", "argos-unset")
"""To be tried in turn: ports and sizes, paths, durations, switches and the rest take one of them."""
_MOST = 50
"""So many variables are followed; with more, something else is wrong."""
_TEXTS = ("environment", "command", "entrypoint", "healthcheck", "hostname", "domainname", "x-")
"""Options of a service that hold any text, so that a blank may be meant."""


@dataclass(frozen=True, slots=True)
class Unset:
    """One variable that nobody set: the `way` in the model to what a blank makes of it, empty where that is
    nowhere or everywhere. `refused`: nobody can mean it."""

    name: str
    way: Way
    refused: bool


def unset_names(warnings: Sequence[str]) -> list[str]:
    """The variables that Compose warned about."""
    return sorted({match[1] for each in warnings if (match := _UNSET.match(each))})


def is_about_variable(warning: str) -> bool:
    return _UNSET.match(warning) is not None


def unset_in(names: Sequence[str], model: Mapping[str, Any], tried: Tried) -> Iterator[Unset]:
    """For each variable the places that matter most: those that are refused, else one of the others.

    A variable for which Compose takes none of our values decides something, whatever that is.
    """
    for number, name in enumerate(names):
        other = _with_value(name, tried) if number < _MOST else None
        if other is None:
            yield Unset(name, (), True)
            continue
        ways = list(_differences(model, other, ()))
        refused = [way for way in ways if not _may_be_blank(way, name)]
        if refused:
            yield from (Unset(name, way, True) for way in refused)
        else:
            yield Unset(name, ways[0] if ways else (), False)


def _with_value(name: str, tried: Tried) -> Mapping[str, Any] | None:
    return next((model for value in _VALUES if (model := tried({name: value})) is not None), None)


def _may_be_blank(way: Way, name: str) -> bool:
    """Only texts that mean nothing to Compose and the engine, and hold no secret."""
    steps = [str(step) for step in way]
    if steps[0].startswith("x-"):
        return True
    if len(steps) < 3 or steps[0] != "services" or not steps[2].startswith(_TEXTS):
        return False
    if is_secret_name(name):
        return False
    return steps[2] != "environment" or not is_secret_name(steps[3] if len(steps) > 3 else "")


def _differences(one: Any, other: Any, way: Way) -> Iterator[Way]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            if key in one and key in other:
                yield from _differences(one[key], other[key], (*way, key))
            else:
                yield (*way, key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, (*way, number))
    elif one != other:
        yield way
