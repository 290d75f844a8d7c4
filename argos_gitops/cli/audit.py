"""`audit`: who or what did which thing, and when."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import cast

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import output_option, with_application
from argos_gitops.cli.output import show
from argos_gitops.model.moments import parse_moment
from argos_gitops.model.spec import parse_duration
from argos_gitops.planning.render.lines import Line, Segment, Style, columns, line, pad, visible
from argos_gitops.ports.audit import AuditEntry, AuditQuery

_OUTCOMES = ("done", "failed", "skipped", "refused")
_STYLES = {"done": Style.GOOD, "failed": Style.BAD, "skipped": Style.DIM, "refused": Style.WARN}
_TITLES = ("WHEN (UTC)", "WHO", "WHAT", "OUTCOME", "OBJECT", "TARGET", "WHY", "REVISION", "")


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """A date, a date and time, or how long ago; what names no zone is in UTC."""
    if value is None:
        return None
    try:
        return parse_moment(value)
    except ValueError:
        return _before_now(value)


def _before_now(value: str) -> datetime:
    try:
        return datetime.now(UTC) - cast("timedelta", parse_duration(value))
    except (ValueError, OverflowError):
        expected = "24h, 7d, 2026-01-31 or 2026-01-31T12:00"
        raise click.BadParameter(f"{value!r} is no moment; expected such as {expected}") from None


@click.command("audit")
@with_application
@click.option("--since", callback=_moment, metavar="WHEN", help="Not before: 24h, 7d, or a date (UTC).")
@click.option("--until", callback=_moment, metavar="WHEN", help="Before: 24h, 7d, or a date (UTC).")
@click.option("--actor", default="", metavar="WHO", help="agent/INSTANCE, user/NAME@HOST, webhook/SENDER.")
@click.option("--action", default="", metavar="VERB", help="create, update, delete, suspend, rollback …")
@click.option("--subject", default="", metavar="KIND/NAME", help="What it was done to.")
@click.option("--target", default="", metavar="KIND/NAME", help="Where it was done.")
@click.option("--revision", default="", metavar="SHA", help="The revision it was done for; may be shortened.")
@click.option("--outcome", type=click.Choice(_OUTCOMES), help="How it ended.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many."
)
@output_option("text", "json")
def command(
    application: Application,
    since: datetime | None,
    until: datetime | None,
    output: str,
    outcome: str | None,
    **filters: str | int,
) -> int:
    """Tell who or what did which thing, newest first.

    WHO, VERB and KIND/NAME may hold `*`, as in --subject 'Host/*'.
    """
    query = AuditQuery(since=since, until=until, outcome=outcome or "", **filters)  # type: ignore[arg-type]
    entries = application.audit.entries(query)
    if output == "json":
        click.echo(json.dumps([_document(entry) for entry in entries], indent=2, ensure_ascii=False))
    elif not entries:
        narrowed = query != AuditQuery(limit=query.limit)
        click.echo("Nothing that fits." if narrowed else "Nothing was done yet.")
    else:
        show(_table(entries))
    return Exit.OK


def _table(entries: Sequence[AuditEntry]) -> Iterator[Line]:
    """Columns as wide as their longest cell; those that are empty throughout are left out."""
    rows = [_cells(entry) for entry in entries]
    widths = [max(columns(row[index]) for row in rows) for index in range(len(_TITLES))]
    widths = [
        max(width, columns(title)) if width else 0 for width, title in zip(widths, _TITLES, strict=True)
    ]
    yield _row(_TITLES, widths, Style.DIM)
    for entry, row in zip(entries, rows, strict=True):
        yield _row(row, widths, _STYLES.get(entry.outcome, Style.PLAIN))


def _row(cells: Sequence[str], widths: Sequence[int], style: Style) -> Line:
    """The outcome wears the style; in the row of titles all do. Nothing trails behind the last cell."""
    shown = [index for index, width in enumerate(widths) if width]
    return line(
        *(
            Segment(
                cells[index] if index == shown[-1] else pad(cells[index], widths[index] + 2),
                style if _TITLES[index] == "OUTCOME" or cells is _TITLES else Style.PLAIN,
            )
            for index in shown
        )
    )


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    cells = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.actor,
        entry.action,
        entry.outcome,
        entry.subject,
        entry.target,
        entry.cause,
        entry.revision[:7],
        entry.message,
    )
    return tuple(visible(cell) for cell in cells)


def _document(entry: AuditEntry) -> dict[str, str]:
    document = asdict(entry) | {"at": entry.at.isoformat()}
    return {("objectId" if name == "object_id" else name): value for name, value in document.items()}
