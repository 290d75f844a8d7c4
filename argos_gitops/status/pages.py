"""README.md, drift.md and the pages under plans/: what a person reads on the branch. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.change import Result
from argos_gitops.model.condition import LAST_RUN
from argos_gitops.planning.render.markdown import code, escape, render
from argos_gitops.ports.control import AGENT
from argos_gitops.ports.report import PassResult
from argos_gitops.status.memory import DriftNote, Memory, PlanNote
from argos_gitops.status.times import for_people, parse

_RECENT = 10
_MAX_OUTCOMES = 200


def readme(data: Mapping[str, Any], memory: Memory) -> bytes:
    """One page from the data of status.yaml: revision, health, drift, last changes."""
    return _page(
        f"# {escape(data['instance'])}",
        "",
        "What argos-gitops saw and did. It writes this branch by itself; do not edit it.",
        "",
        *_table(("", ""), _facts(data, memory)),
        *_orders(data.get("orders", {})),
        *_attention(data),
        *_last_changes(memory.plans[:_RECENT]),
    )


def drift(memory: Memory) -> bytes:
    """What the world changed, where, since when, and what was done about it."""
    lines = ["# Drift", "", "What was changed on a live system, and not in git.", ""]
    lines += ["## Open", ""]
    lines += [*_drifts(memory.drifting)] or ["Nothing drifts.", ""]
    if memory.repaired:
        lines += ["## Repaired", "", *_drifts(memory.repaired)]
    return _page(*lines)


def plan_page(result: PassResult) -> bytes:
    """The plan of a pass, and what became of it; empty without a plan."""
    if result.plan is None:
        return b""
    page = render(result.plan, result.at)
    return _page(
        f"# {escape(result.own_result or result.result)}, {for_people(result.at)}",
        "",
        page,
        *_outcomes(result),
    )


def _facts(data: Mapping[str, Any], memory: Memory) -> Iterator[tuple[str, str]]:
    yield "State", _state(data)
    revision = data.get("revision")
    if revision:
        ref = f" ({code(revision['ref'])})"
        yield "Revision", f"{_sha(revision['sha'])} {escape(revision['subject'])}{ref}"
    for label, key in (("Applied", "applied"), ("Last healthy", "healthy")):
        yield label, _sha(data["revisions"][key])
    resources = data.get("resources")
    if resources:
        unready = resources["notReady"]
        ready = resources.get("ready", resources["total"] - unready)  # older pages have no such count
        more = f", {unready:,} not ready" if unready else ""
        yield "Resources", f"{ready:,} of {resources['total']:,} ready{more}"
    count = len(memory.drifting)
    yield "Drift", f"[{count} open](drift.md)" if count else "none"


def _state(data: Mapping[str, Any]) -> str:
    state = f"**{escape(data['state'])}**"
    return f"{state}: {escape(data['message'])}" if "message" in data else state


def _sha(sha: str | None) -> str:
    return code(sha[:7]) if sha else "–"


def _orders(orders: Mapping[str, Any]) -> Iterator[str]:
    """What people hold, whatever git says: nobody should have to wonder why nothing happens."""
    if not orders:
        return
    yield from ("", "## Ordered by people", "")
    for order in orders.get("suspended", ()):
        what = "everything" if order["subject"] == AGENT else order["subject"]
        yield f"- Suspended: {escape(what)}, {_by(order)}"
    if "pinned" in orders:
        yield f"- Held at {_sha(orders['pinned']['revision'])}, git is not followed, {_by(orders['pinned'])}"
    if "windowsOverridden" in orders:
        override = orders["windowsOverridden"]
        yield f"- Closed windows do not count until {for_people(parse(override['until']))}, {_by(override)}"


def _by(order: Mapping[str, str]) -> str:
    return escape(f"by {order['by']}" + (f": {order['reason']}" if order["reason"] else ""))


def _attention(data: Mapping[str, Any]) -> Iterator[str]:
    found = [*data.get("blocked", ()), *data.get("problems", ())]
    found += [_condition(item) for item in data.get("conditions", ()) if _worrying(item)]
    further = data.get("furtherProblems", 0) + data.get("furtherConditions", 0)
    if not found:
        return
    yield from ("", "## What needs attention", "")
    yield from (f"- {escape(sentence)}" for sentence in found)
    if further:
        yield f"- … and {further:,} more"


def _worrying(condition: Mapping[str, Any]) -> bool:
    if condition["reason"] == "Suspended" or condition["type"] == LAST_RUN:
        return False
    return bool((condition["type"] == "Ready") != (condition["status"] == "True"))


def _condition(item: Mapping[str, Any]) -> str:
    message = f": {item['message']}" if item.get("message") else ""
    return f"{item['subject']} {item['type']}={item['status']} ({item['reason']}){message}"


def _last_changes(notes: Sequence[PlanNote]) -> Iterator[str]:
    if not notes:
        return
    yield from ("", "## Last changes", "")
    yield from _table(("When", "Revision", "Plan", "Result"), map(_plan_row, notes))


def _plan_row(note: PlanNote) -> tuple[str, ...]:
    return (
        for_people(note.at),
        f"{_sha(note.revision)} {escape(note.subject)}",
        f"[{escape(note.summary)}]({note.path})",
        escape(note.result),
    )


def _drifts(notes: Iterable[DriftNote]) -> Iterator[str]:
    for note in notes:
        yield f"### {escape(note.owner)} ({escape(note.object_id)}) on {escape(note.system)}"
        yield ""
        done = f"; repaired {for_people(note.repaired_at)}" if note.repaired_at else ""
        held = f"; not repaired: {escape(note.held)}" if note.held else ""
        yield f"Since {for_people(note.since)}{done}{held}."
        yield ""
        if note.story:
            yield from (f"{escape(note.story)}.", "")
        if note.fields:
            yield from _table(("Field", "In git", "Found"), map(_field_row, note.fields))
            yield ""


def _field_row(field: tuple[str, str, str]) -> tuple[str, ...]:
    return tuple(escape(part) or "–" for part in field)


def _outcomes(result: PassResult) -> Iterator[str]:
    """Says what was not done; when everything was, that suffices."""
    missed = [(system, o) for system, o in result.outcomes if o.result is not Result.DONE]
    if not result.outcomes:
        return
    done = len(result.outcomes) - len(missed)
    yield from ("", "## Outcome", "", f"{done:,} done, {len(missed):,} not done.")
    if missed:
        yield ""
    for system, outcome in missed[:_MAX_OUTCOMES]:
        sentence = f"{outcome.change.owner} ({outcome.change.object_id}) on {system}: {outcome.result.value}"
        yield f"- {escape(f'{sentence}, {outcome.reason} {outcome.message}'.rstrip(', '))}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _page(*lines: str) -> bytes:
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "backslashreplace")
