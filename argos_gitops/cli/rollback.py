"""`rollback`: go back to a revision, and stay there."""

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import REASON, with_application
from argos_gitops.cli.subjects import FOLLOWED
from argos_gitops.model.errors import ManifestError, SourceError
from argos_gitops.model.source import Revision
from argos_gitops.planning.render.lines import shorten


@click.command("rollback")
@click.argument("rev", metavar="REVISION")
@with_application
@REASON
def command(application: Application, rev: str, reason: str) -> int:
    """Make a running agent go to REVISION, a commit, tag or branch of the repository, and stay there.

    New commits are not applied until `resume --agent`. The guard, suspensions and windows hold as ever.
    """
    revision = _valid(application, rev)
    Ordering(application).pin(revision, reason)
    click.echo(f'The agent is held at {revision.short} "{shorten(revision.subject)}".')
    click.echo("It does not follow git until `argos-gitops resume --agent`.")
    click.echo(FOLLOWED)
    return Exit.OK


def _valid(application: Application, rev: str) -> Revision:
    """The commit that `rev` names; SourceError when there is none, ManifestError when it is invalid."""
    snapshot = application.source.fetch(rev)
    if not snapshot.revision.is_commit:
        raise SourceError(
            f"{application.shown_repo} is a folder without commits; there is nothing to go back to"
        )
    loaded = application.load(snapshot)
    if loaded.problems:
        raise ManifestError(loaded.problems)
    return snapshot.revision
