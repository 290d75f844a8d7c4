"""Before and after of one object, field by field, for people."""

from collections.abc import Iterator, Mapping, Sequence

from argos_gitops.model.change import FieldChange
from argos_gitops.model.secret import MASK, NOT_RESOLVED

CHANGED = f"{MASK} (changed)"
_UNRESOLVED_CHANGED = f"{NOT_RESOLVED} (changed)"
_UNSEEN = {MASK: CHANGED, NOT_RESOLVED: _UNRESOLVED_CHANGED}
"""What stands for values that are not shown, and what is said of them where nothing else differs."""

_NONE: Mapping[str, str] = {}


def field_changes(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> tuple[FieldChange, ...]:
    """The fields that differ, in the reading order of `after`, then those that are gone.

    None stands for an object that does not exist. Two objects that differ although nothing they
    show does differ in what is masked, so masked fields are then shown as changed.
    """
    visible = tuple(_visible(before or _NONE, after or _NONE))
    if visible or before is None or after is None:
        return visible
    return tuple(
        FieldChange(name, value, changed)
        for name, value in after.items()
        for sign, changed in _UNSEEN.items()
        if sign in value
    )


def only_masked(changes: Sequence[FieldChange]) -> bool:
    """Whether nothing differs but what is masked."""
    return bool(changes) and all(change.after in _UNSEEN.values() for change in changes)


def _visible(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for name, value in after.items():
        if before.get(name) != value:
            yield FieldChange(name, before.get(name), value)
    for name, value in before.items():
        if name not in after:
            yield FieldChange(name, value, None)
