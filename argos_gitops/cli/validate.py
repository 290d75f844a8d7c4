"""`validate`: everything that is wrong with a revision, at once."""

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import REV, output_option, with_application
from argos_gitops.cli.output import show, show_problems
from argos_gitops.planning.render.lines import Segment, Style, line


@click.command("validate")
@with_application
@REV
@output_option()
def command(application: Application, rev: str | None, output: str) -> int:
    """Check a config repository against the schema and its own references. Asks no target."""
    loaded = application.load(application.source.fetch(rev))
    if loaded.problems or loaded.warnings or output != "text":
        show_problems(loaded.problems, output, loaded.warnings)
    if loaded.problems or output != "text":
        return Exit.INVALID if loaded.problems else Exit.OK
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(loaded.resources.kinds().items()))
    show([line(Segment("Valid: ", Style.GOOD), counts or "no resources")])
    return Exit.OK
