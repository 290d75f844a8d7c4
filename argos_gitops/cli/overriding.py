"""The options that override closed windows in an emergency."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.options import duration

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--override-windows",
        callback=duration,
        metavar="DURATION",
        help="An emergency: closed windows do not count for so long, such as 30m; 0s ends it at once.",
    ),
    click.option("--reason", metavar="TEXT", help="Why; it stands in the audit log."),
)


def override_options(command: F) -> F:
    """Adds --override-windows (a timedelta) and --reason; the command hands both to `override`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def with_override(command: F) -> F:
    """Adds the same options to a command that needs not know of them: windows are overridden before it."""

    @wraps(command)
    def run(
        *, application: Application, override_windows: timedelta | None, reason: str | None, **rest: Any
    ) -> Any:
        if override_windows is not None:
            click.echo(override(application, override_windows, reason), err=True)
        return command(application=application, **rest)

    decorated: Any = override_options(run)
    return decorated  # type: ignore[no-any-return]


def override(application: Application, lasting: timedelta, reason: str | None) -> str:
    """Overrides the windows of the instance, or ends it after no time at all; the sentence that says so."""
    if not reason:
        raise click.UsageError("to override windows is an emergency; say why with --reason TEXT")
    override = Ordering(application).override_windows(lasting, reason)
    if not lasting:
        return "Closed windows count again."
    return f"Closed windows do not count until {override.until:%Y-%m-%d %H:%M} UTC."
