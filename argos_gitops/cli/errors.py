"""Errors become one clear message and an exit code; nothing else in the program knows these numbers."""

from collections.abc import Collection
from enum import IntEnum

import click

from argos_gitops.model.errors import (
    ArgosError,
    ManifestError,
    StalePlanError,
    TransientError,
    UnsafePlanError,
)
from argos_gitops.ports.report import SYNCED


class Exit(IntEnum):
    OK = 0
    FAILURE = 1
    CHANGES_PENDING = 2
    INVALID = 3
    BLOCKED = 4
    UNREACHABLE = 5
    STALE = 6


_OF_STATES = {
    SYNCED: Exit.OK,
    "Declined": Exit.OK,
    "Waiting": Exit.CHANGES_PENDING,
    "InvalidConfiguration": Exit.INVALID,
    "Blocked": Exit.BLOCKED,
    "Unreachable": Exit.UNREACHABLE,
    "StalePlan": Exit.STALE,
}


def exit_code_of_state(state: str, untold: Collection[str] = ()) -> Exit:
    """For the word that `ports.report.state_of` gives; every other word is a failure.

    So it is where something is `untold` (`StatusStore.untold`) and the state says nothing worse.
    """
    code = _OF_STATES.get(state, Exit.FAILURE)
    return Exit.FAILURE if code is Exit.OK and untold else code


def exit_code_of(error: Exception) -> Exit:
    """Shows `error` and gives its exit code; what is not an ArgosError is raised again."""
    if not isinstance(error, ArgosError):
        raise error
    if isinstance(error, ManifestError):
        from argos_gitops.cli.output import show_problems

        show_problems(error.problems, "text")
        return Exit.INVALID
    click.echo(f"Error ({error.reason}): {error}", err=True)
    return _code(error)


def _code(error: ArgosError) -> Exit:
    if isinstance(error, UnsafePlanError):
        return Exit.BLOCKED
    if isinstance(error, StalePlanError):
        return Exit.STALE
    if isinstance(error, TransientError) and error.reason == "Unreachable":
        return Exit.UNREACHABLE
    return Exit.FAILURE
