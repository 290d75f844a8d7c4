"""`resume`: let go on what was suspended, pinned, or kept waiting by a window."""

from datetime import timedelta

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import with_application
from argos_gitops.cli.overriding import override, override_options
from argos_gitops.cli.subjects import FOLLOWED, find_subjects, named
from argos_gitops.ports.control import AGENT


@click.command("resume")
@click.argument("subjects", metavar="[KIND/NAME]...", nargs=-1)
@with_application
@click.option("--agent", is_flag=True, help="Everything; also git is followed again after a rollback.")
@override_options
def command(
    application: Application,
    subjects: tuple[str, ...],
    agent: bool,
    override_windows: timedelta | None,
    reason: str | None,
) -> int:
    """Let go on what `suspend` and `rollback` hold, or what closed windows keep waiting."""
    wanted = [*find_subjects(application, subjects), *([AGENT] if agent else [])]
    if not wanted and override_windows is None:
        raise click.UsageError("name what to resume as KIND/NAME, or everything with --agent")
    if override_windows is not None:
        click.echo(override(application, override_windows, reason))
    ordering = Ordering(application)
    pin = ordering.unpin(reason or "") if agent else None
    if pin is not None:
        click.echo(f"Git is followed again; the agent was held at {pin.revision[:12]}.")
    resumed = ordering.resume(wanted, reason or "")
    for subject in wanted:
        if subject in resumed:
            click.echo(f"{named(subject)} is no longer suspended.")
        elif pin is None or subject != AGENT:
            click.echo(f"{named(subject)} was suspended by nobody; annotations are changed in git.")
    click.echo(FOLLOWED)
    return Exit.OK
