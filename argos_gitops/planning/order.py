"""The order in which the changes of one system are applied."""

from collections.abc import Iterable

from argos_gitops.model.change import Action, Change


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """What is written comes before what is removed, each by kind, name and object id.

    So a renamed ban stands before the old one goes, and the order never depends on the input's.
    """
    return tuple(sorted(changes, key=_place))


def _place(change: Change) -> tuple[bool, str, str, str]:
    return change.action is Action.DELETE, change.owner.kind, change.owner.name, change.object_id
