"""`suspend`: leave something alone until it is resumed."""

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import REASON, with_application
from argos_gitops.cli.subjects import FOLLOWED, find_subjects, named
from argos_gitops.ports.control import AGENT


@click.command("suspend")
@click.argument("subjects", metavar="[KIND/NAME]...", nargs=-1)
@with_application
@click.option("--agent", is_flag=True, help="Everything: the agent only looks on.")
@REASON
def command(application: Application, subjects: tuple[str, ...], agent: bool, reason: str) -> int:
    """Leave resources, whole targets, or everything alone until somebody resumes them.

    Nothing is written for what is suspended, neither by a running agent nor by `apply`, and nothing of it
    is removed; what would be done is still planned and told. The annotation argos.dev/suspend does the same
    in git.
    """
    wanted = [*find_subjects(application, subjects), *([AGENT] if agent else [])]
    if not wanted:
        raise click.UsageError("name what to suspend as KIND/NAME, or everything with --agent")
    Ordering(application).suspend(wanted, reason)
    for subject in wanted:
        way_out = "--agent" if subject == AGENT else subject
        click.echo(f"{named(subject)} is suspended, until `argos-gitops resume {way_out}`.")
    click.echo(FOLLOWED)
    return Exit.OK
