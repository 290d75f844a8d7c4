"""`status`: what the last pass saw and did."""

import json

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import output_option, with_application
from argos_gitops.cli.output import show
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.planning.render.lines import Line, Segment, Style, ago, line, pad, visible


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
    if revisions.attempted is None:
        return [line("No pass yet; `argos-gitops apply` makes the first.")]
    when = f" ({ago(revisions.applied_at, now)})" if revisions.applied_at else ""
    conditions = application.statuses.conditions()
    well = [c for c in conditions if c.type == "Ready" and c.status is Truth.TRUE]
    rest = [c for c in conditions if c not in well]
    return [
        line(pad("attempted", 12), revisions.attempted[:12]),
        line(pad("applied", 12), f"{(revisions.applied or 'none')[:12]}{when}"),
        line(pad("healthy", 12), (revisions.healthy or "none")[:12]),
        line(pad("ready", 12), f"{len(well):,} of {sum(c.type == 'Ready' for c in conditions):,}"),
        *(_condition(condition, application) for condition in rest),
    ]


def _condition(condition: Condition, application: Application) -> Line:
    since = f", {ago(condition.since, application.now())}" if condition.since else ""
    style = Style.BAD if condition.status is Truth.FALSE else Style.WARN
    what = f"{condition.type} {condition.status}: {condition.reason}"
    message = f"  {visible(condition.message)}" if condition.message else ""
    return line("  ", pad(visible(str(condition.subject)), 28), Segment(what, style), since, message)


def _document(application: Application) -> dict[str, object]:
    revisions = application.statuses.revisions()
    return {
        "instance": application.settings.instance,
        "revisions": {
            "attempted": revisions.attempted,
            "applied": revisions.applied,
            "appliedAt": revisions.applied_at.isoformat() if revisions.applied_at else None,
            "healthy": revisions.healthy,
        },
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
