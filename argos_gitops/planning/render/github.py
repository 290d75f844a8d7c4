"""A plan as GitHub workflow commands, which a run shows beside the lines they are about.

Syntax: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterable, Iterator
from posixpath import join

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.plan import Failure, Held, Plan, SystemPlan
from argos_gitops.model.problem import Location
from argos_gitops.planning.render.lines import shorten, visible
from argos_gitops.planning.render.summary import summarize, verdict
from argos_gitops.planning.render.text import approval

MAX_ANNOTATIONS = 50
"""GitHub keeps no more of one job; what matters most comes first."""


def render(plan: Plan, root: str = "") -> str:
    """Errors for what blocks or fails, warnings for drift and notices, notes for the rest.

    `root` is the configuration folder inside the repository, so that paths lead to the files.
    """
    title = f"Plan {plan.short}"
    head = [
        *(annotation("error", title, f"{reason} ({approval(plan)})") for reason in plan.blocked),
        *(annotation("error", title, text) for text in _failures(plan.systems)),
        *(_notice(title, part, notice, root) for part in plan.systems for notice in part.notices),
    ]
    changes = sorted((change for _, change in plan.changes()), key=_rank)
    tail = annotation("notice", title, f"{summarize(plan).sentence()}. {verdict(plan)}")
    held = (_held(held, root) for _, held in plan.held())
    return bounded([*head, *(_change(change, root) for change in changes), *held], tail)


def annotation(level: str, title: str, message: str, location: Location | None = None, root: str = "") -> str:
    """One workflow command on one line; nothing in it can start another."""
    properties = [*_place(location, root), f"title={_escape_property(title)}"]
    return f"::{level} {','.join(properties)}::{_escape(message)}"


def bounded(annotations: list[str], tail: str) -> str:
    """As many as GitHub keeps, and a last one that always stands."""
    kept = annotations[: MAX_ANNOTATIONS - 1]
    return "".join(f"{text}\n" for text in [*kept, tail])


def _change(change: Change, root: str) -> str:
    level = "warning" if change.cause is Cause.DRIFT else "notice"
    return annotation(level, f"{change.owner} ({change.cause})", _told(change), change.location, root)


def _held(held: Held, root: str) -> str:
    change = held.change
    message = f"{held.message}: {_told(change)}"
    if held.only_told:
        return annotation("warning", f"{change.owner} ({held.reason})", message, change.location, root)
    return annotation("notice", f"{change.owner} waits ({held.reason})", message, change.location, root)


def _told(change: Change) -> str:
    fields = ", ".join(
        f"{field.name} {shorten(field.before or '(none)')} → {shorten(field.after or '(none)')}"
        for field in change.fields
        if change.action is Action.UPDATE
    )
    return ": ".join(part for part in (f"{change.action} {change.object_id}", fields) if part)


def _rank(change: Change) -> bool:
    return change.cause is not Cause.DRIFT


def _failures(systems: Iterable[SystemPlan]) -> Iterator[str]:
    for part in systems:
        if part.failure is not None:
            yield f"{part.system} was not observed: {part.failure.reason}: {part.failure.message}"


def _notice(title: str, part: SystemPlan, notice: Failure, root: str) -> str:
    """Beside the line that it comes from, if there is one."""
    message = f"{part.system}: {notice.reason}: {notice.message}"
    return annotation("warning", title, message, notice.location, root)


def _place(location: Location | None, root: str) -> Iterator[str]:
    if location is None:
        return
    yield f"file={_escape_property(join(root, location.path))}"
    if location.line:
        yield f"line={location.line}"
    if location.column:
        yield f"col={location.column}"


def _escape(text: str) -> str:
    return visible(text).replace("%", "%25")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
