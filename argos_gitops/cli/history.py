"""`history`: the last passes."""

import json

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import output_option, with_application
from argos_gitops.cli.output import show
from argos_gitops.planning.render.lines import Segment, Style, ago, line, pad, visible
from argos_gitops.ports.store import PassRecord

_STYLES = {"Applied": Style.GOOD, "NoChange": Style.GOOD, "Waiting": Style.WARN}


@click.command("history")
@with_application
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@output_option("text", "json")
def command(application: Application, limit: int, output: str) -> int:
    """List the last passes that did or said something, newest first."""
    passes = application.statuses.passes(limit)
    if output == "json":
        click.echo(json.dumps([_document(record) for record in passes], indent=2))
        return Exit.OK
    if not passes:
        click.echo("No pass yet; `argos-gitops apply` makes the first.")
    for record in passes:
        when = pad(ago(record.at, application.now()), 14)
        style = _STYLES.get(record.result, Style.BAD)
        result = Segment(pad(record.result, 22), style)
        show(
            [
                line(
                    when,
                    pad(record.revision[:7] or "-", 9),
                    result,
                    visible(record.summary or record.subject),
                )
            ]
        )
    return Exit.OK


def _document(record: PassRecord) -> dict[str, str]:
    return {
        "at": record.at.isoformat(),
        "revision": record.revision,
        "subject": record.subject,
        "result": record.result,
        "planDigest": record.plan_digest,
        "summary": record.summary,
    }
