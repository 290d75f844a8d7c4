"""`plan`: what apply would do, and why."""

import os
import stat
from pathlib import Path

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import REV, output_option, with_application
from argos_gitops.cli.output import show, show_problems, untold_lines
from argos_gitops.model.errors import ManifestError
from argos_gitops.model.plan import Plan


@click.command("plan")
@with_application
@REV
@output_option()
@click.option("--out", type=click.Path(path_type=Path), help="Also write a plan file that `apply` takes.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when changes are pending.")
def command(
    application: Application, rev: str | None, output: str, out: Path | None, detailed_exitcode: bool
) -> int:
    """Show what apply would do, and why. Writes nothing anywhere."""
    try:
        plan = application.plan(rev)
    except ManifestError as error:
        show_problems(error.problems, output)
        return Exit.INVALID
    show_plan(plan, output, application)
    show(untold_lines(application.statuses.untold(), application.now()), err=output != "text")
    if out is not None:
        _save(plan, out)
    return _code(plan, detailed_exitcode)


def show_plan(plan: Plan, form: str, application: Application) -> None:
    """The plan in one of the forms of `-o`."""
    from argos_gitops.planning.render import github, json, markdown, text

    now = application.now()
    if form == "json":
        click.echo(json.render(plan), nl=False)
    elif form == "markdown":
        click.echo(markdown.render(plan, now), nl=False)
    elif form == "github":
        click.echo(github.render(plan, application.settings.path), nl=False)
    else:
        show(text.render(plan, now.astimezone()))


def _save(plan: Plan, path: Path) -> None:
    from argos_gitops.planning import planfile

    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "wb") as file:
            if stat.S_ISREG(os.fstat(opened).st_mode):
                os.fchmod(opened, 0o600)  # also one that was there
            file.write(planfile.dump(plan))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _code(plan: Plan, detailed: bool) -> int:
    if plan.unreachable:
        return Exit.UNREACHABLE
    if plan.blocked:
        return Exit.BLOCKED
    if plan.unplanned:
        return Exit.FAILURE
    return Exit.CHANGES_PENDING if detailed and (plan.only_told or not plan.empty) else Exit.OK
