"""The options that all commands share, and the application that they open."""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from argos_gitops.cli.output import FORMATS

F = TypeVar("F", bound=Callable[..., Any])

_SHARED = (
    click.option(
        "--repo", metavar="URL|FOLDER", help="Config repository: a git URL or a local folder [default: .]."
    ),
    click.option("--branch", metavar="NAME", help="Branch or tag to follow [default: the repository's own]."),
    click.option("--path", metavar="FOLDER", help="Folder of the configuration within the repository."),
    click.option("--instance", metavar="NAME", help="Name of this agent [default: the host's name]."),
    click.option(
        "--store", metavar="URL", help="Database for our own state [default: SQLite in the state folder]."
    ),
)

REV = click.option(
    "--rev", metavar="REVISION", help="A commit, tag or branch instead of the newest revision."
)

REASON = click.option("--reason", metavar="TEXT", required=True, help="Why; it stands in the audit log.")


def duration(_: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A callback for options that take `90s`, `10m` or `2h`, as in the configuration."""
    from argos_gitops.model.spec import parse_duration

    try:
        return cast("timedelta | None", parse_duration(value))
    except ValueError as error:
        raise click.BadParameter(str(error), param=param) from error


def output_option(*forms: str) -> Callable[[F], F]:
    """`-o`, limited to what the command can print."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms or FORMATS),
        default="text",
        show_default=True,
        help="Form of output.",
    )


def with_application(command: F) -> F:
    """Adds the shared options and hands the command an Application, closed at its end."""

    @wraps(command)
    def run(
        *,
        repo: str | None,
        branch: str | None,
        path: str | None,
        instance: str | None,
        store: str | None,
        **rest: Any,
    ) -> Any:
        from argos_gitops.app.application import open_application
        from argos_gitops.cli.progress import progress_for_people

        flags = {"repo": repo, "branch": branch, "path": path, "instance": instance, "store": store}
        with open_application(flags, os.environ, Path.cwd(), progress_for_people()) as application:
            return command(application=application, **rest)

    decorated: Any = run
    for option in reversed(_SHARED):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
