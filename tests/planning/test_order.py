"""The order in which changes are applied."""

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.order import ordered


def test_writes_first_then_removals_each_by_kind_and_name() -> None:
    wanted = [
        _change(Action.CREATE, "Decision", "b"),
        _change(Action.UPDATE, "Host", "a"),
        _change(Action.CREATE, "Host", "c"),
        _change(Action.DELETE, "Decision", "a"),
        _change(Action.DELETE, "Host", "b"),
    ]
    assert ordered(reversed(wanted)) == tuple(wanted)


def _change(action: Action, kind: str, name: str) -> Change:
    return Change(action, Cause.REVISION, f"{kind}/{name}", ResourceKey(kind, name), None, None)
