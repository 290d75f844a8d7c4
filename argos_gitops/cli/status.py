"""`status`: what the last pass saw and did."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import output_option, with_application
from argos_gitops.cli.output import show, untold_lines
from argos_gitops.model.condition import LAST_RUN, Condition, Truth, readiness
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.lines import Line, Segment, Style, ago, line, pad, visible
from argos_gitops.ports.control import AGENT, Orders, Override, Pin, Suspension
from argos_gitops.ports.health import ALIVE
from argos_gitops.ports.report import SYNCED, WELL
from argos_gitops.ports.store import SourceState, TargetState
from argos_gitops.reconcile.holds import orders_of
from argos_gitops.reconcile.standing import stored_state


@click.command("status")
@with_application
@click.option(
    "--branch-page", is_flag=True, help="Print the page of the status branch instead, as reviewers see it."
)
@output_option("text", "json")
def command(application: Application, branch_page: bool, output: str) -> int:
    """Show which revision was tried, applied and found healthy, and what is not well.

    Read from our own store; with --branch-page from the status branch, which other machines see too.
    """
    if branch_page:
        pages = application.status_pages()
        click.echo(pages.readme if pages else "There is no status branch yet.", nl=not pages)
        return Exit.OK
    if output == "json":
        click.echo(json.dumps(_document(application), indent=2))
    else:
        show(_lines(application))
    return Exit.OK


def _lines(application: Application) -> list[Line]:
    revisions, now = application.statuses.revisions(), application.now()
    ordered = [*_ordered(orders_of(application.controls, now), now)]
    agent = [
        *_agent(application),
        *_source(application.statuses.source()),
        *untold_lines(application.statuses.untold(), now),
    ]
    if revisions.attempted is None:
        return [*agent, *ordered, line("No pass yet; `argos-gitops apply` makes the first.")]
    when = f" ({ago(revisions.applied_at, now)})" if revisions.applied_at else ""
    conditions = application.statuses.conditions()
    rest = [c for c in conditions if not (c.type == "Ready" and c.status is Truth.TRUE)]
    state = _state(application, conditions)
    return [
        *agent,
        line(pad("state", 12), Segment(state, Style.GOOD if state == SYNCED else Style.BAD)),
        line(pad("attempted", 12), revisions.attempted[:12]),
        line(pad("applied", 12), f"{(revisions.applied or 'none')[:12]}{when}"),
        line(pad("healthy", 12), (revisions.healthy or "none")[:12]),
        line(pad("resources", 12), str(readiness(conditions))),
        *_unwell(application.statuses.targets()),
        *ordered,
        *(_condition(condition, application) for condition in rest),
    ]


def _state(application: Application, conditions: Sequence[Condition]) -> str:
    """The word that the status branch shows too."""
    return stored_state(application.statuses.source(), application.statuses.targets(), conditions)


def _agent(application: Application) -> Iterator[Line]:
    """Whether anything of all this is looked after at the moment."""
    now = application.replicas.now()
    replicas = application.replicas.all()
    alive = [replica for replica in replicas if now - replica.seen_at < ALIVE]
    if alive:
        names = ", ".join(replica.name for replica in alive)
        yield line(pad("agent", 12), Segment("running", Style.GOOD), f"  {visible(names)}")
    elif replicas:
        seen = max(replica.seen_at for replica in replicas)
        yield line(pad("agent", 12), Segment(f"not running: last heard of {ago(seen, now)}", Style.BAD))
    else:
        yield line(pad("agent", 12), "none has run on this store; `argos-gitops run` starts one")


def _source(source: SourceState) -> Iterator[Line]:
    """Why git's newest revision is not what stands below."""
    if source.result:
        text = Segment(visible(f"{source.result}: {_first_line(source.message)}"), Style.BAD)
        yield line(pad("source", 12), text)


def _unwell(targets: Mapping[ResourceKey, TargetState]) -> Iterator[Line]:
    for target, state in targets.items():
        if state.result not in WELL:
            message = visible(f": {_first_line(state.message)}") if state.message else ""
            yield line(pad(str(target), 12), " ", Segment(state.result, Style.BAD), message)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _ordered(orders: Orders, now: datetime) -> Iterator[Line]:
    """What people hold, whatever git says."""
    for suspension in orders.suspensions:
        what = "everything" if suspension.subject == AGENT else suspension.subject
        yield _order("suspended", what, suspension, now)
    if orders.pin is not None:
        yield _order("pinned", f"{orders.pin.revision[:12]}, git is not followed", orders.pin, now)
    if orders.override is not None:
        left = f"until {orders.override.until:%Y-%m-%d %H:%M} UTC"
        yield _order("windows", f"overridden {left}", orders.override, now)


def _order(label: str, what: str, order: Suspension | Pin | Override, now: datetime) -> Line:
    why = f": {order.reason}" if order.reason else ""
    text = f"{what}  by {order.by}, {ago(order.since, now)}{why}"
    return line(pad(label, 12), Segment(visible(text), Style.WARN))


def _condition(condition: Condition, application: Application) -> Line:
    since = f", {ago(condition.since, application.now())}" if condition.since else ""
    style = Style.BAD if condition.status is Truth.FALSE else Style.WARN
    style = Style.PLAIN if condition.type == LAST_RUN else style
    what = f"{condition.type} {condition.status}: {condition.reason}"
    message = f"  {visible(condition.message)}" if condition.message else ""
    return line("  ", pad(visible(str(condition.subject)), 28), Segment(what, style), since, message)


def _document(application: Application) -> dict[str, object]:
    revisions, source = application.statuses.revisions(), application.statuses.source()
    now = application.replicas.now()
    return {
        "agents": [
            {
                "name": replica.name,
                "seenAt": replica.seen_at.isoformat(),
                "running": now - replica.seen_at < ALIVE,
                "targets": list(replica.targets),
            }
            for replica in application.replicas.all()
        ],
        "source": {"result": source.result or "OK", "message": source.message},
        "targets": {
            str(target): {"result": state.result, "message": state.message, "applied": state.applied}
            for target, state in application.statuses.targets().items()
        },
        "untold": {
            name: {"reason": each.reason, "message": each.message, "since": each.since.isoformat()}
            for name, each in application.statuses.untold().items()
        },
        "instance": application.settings.instance,
        "state": _state(application, application.statuses.conditions()),
        "revisions": {
            "attempted": revisions.attempted,
            "applied": revisions.applied,
            "appliedAt": revisions.applied_at.isoformat() if revisions.applied_at else None,
            "healthy": revisions.healthy,
        },
        "orders": _orders_document(orders_of(application.controls, application.now())),
        "conditions": [
            {
                "subject": str(condition.subject),
                "type": condition.type,
                "status": condition.status.value,
                "reason": condition.reason,
                "message": condition.message,
                "since": condition.since.isoformat() if condition.since else None,
            }
            for condition in application.statuses.conditions()
        ],
    }


def _orders_document(orders: Orders) -> dict[str, object]:
    pin, override = orders.pin, orders.override
    return {
        "suspended": [{"subject": each.subject} | _order_document(each) for each in orders.suspensions],
        "pinned": None if pin is None else {"revision": pin.revision} | _order_document(pin),
        "windowsOverridden": None
        if override is None
        else {"until": override.until.isoformat()} | _order_document(override),
    }


def _order_document(order: Suspension | Pin | Override) -> dict[str, str]:
    return {"by": order.by, "since": order.since.isoformat(), "reason": order.reason}
