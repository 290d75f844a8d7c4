"""What a proposal to adopt drift says to whoever reviews it."""

from collections.abc import Iterator, Sequence

from argos_gitops.model.change import Action, Change
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.lines import shorten
from argos_gitops.planning.render.markdown import code, escape

_MOST_CHANGES = 50
_WHAT = {
    Action.CREATE: "is gone",
    Action.UPDATE: "was changed",
    Action.DELETE: "was added",
}


def title_of(changes: Sequence[Change]) -> str:
    """One line: whose drift it is."""
    owners = sorted({str(change.owner) for change in changes})
    whose = owners[0] if len(owners) == 1 else f"{owners[0]} and {len(owners) - 1} more"
    return f"Adopt what was changed on the system: {whose}"


def body_of(target: ResourceKey, changes: Sequence[Change]) -> str:
    """Markdown: what differs, since when, and what merging and closing mean. The same for the same drift."""
    return "\n".join(_lines(target, changes)) + "\n"


def _lines(target: ResourceKey, changes: Sequence[Change]) -> Iterator[str]:
    yield f"{code(str(target))} no longer is what was applied from git, and git did not change.\n"
    yield (
        "Merging this makes git say what is live. Closing it leaves things as they are: the drift stays "
        "reported, and to have the applied state put back, set `argos.dev/drift: repair`.\n"
    )
    for change in changes[:_MOST_CHANGES]:
        yield from _change(change)
    if len(changes) > _MOST_CHANGES:
        yield f"… and {len(changes) - _MOST_CHANGES:,} more"


def _change(change: Change) -> Iterator[str]:
    since = f" since {change.since:%Y-%m-%d %H:%M} UTC" if change.since is not None else ""
    yield f"### {escape(str(change.owner))}\n"
    yield f"{code(change.object_id)} {_WHAT[change.action]}{since}.\n"
    if change.note:
        yield f"{escape(change.note)}\n"
    if change.fields and change.action is not Action.CREATE:
        yield "| field | git | live |\n|---|---|---|"
        for field in change.fields:
            yield f"| {escape(field.name)} | {_value(field.after)} | {_value(field.before)} |"
        yield ""


def _value(text: str | None) -> str:
    return "–" if text is None else code(shorten(text, 200)).replace("|", "\\|")
