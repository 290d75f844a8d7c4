"""`drift`: what the world changed that git did not."""

from dataclasses import replace

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import output_option, with_application
from argos_gitops.cli.plan import show_plan
from argos_gitops.model.change import Cause
from argos_gitops.model.plan import Plan, SystemPlan


@click.command("drift")
@with_application
@output_option("text", "json", "markdown")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when something drifted.")
def command(application: Application, output: str, detailed_exitcode: bool) -> int:
    """Show what the world changed since the last apply, now, and nothing that git changed.

    What was repaired before stands in drift.md of the status branch.
    """
    drift = _only_drift(application.plan())
    show_plan(drift, output, application)
    if drift.unreachable:
        return Exit.UNREACHABLE
    if drift.unplanned:
        return Exit.FAILURE
    return Exit.CHANGES_PENDING if detailed_exitcode and (drift.only_told or not drift.empty) else Exit.OK


def _only_drift(plan: Plan) -> Plan:
    return replace(plan, systems=tuple(_of_system(system) for system in plan.systems))


def _of_system(system: SystemPlan) -> SystemPlan:
    drifted = tuple(change for change in system.changes if change.cause is Cause.DRIFT)
    held = tuple(held for held in system.held if held.change.cause is Cause.DRIFT)
    unknown = tuple(each for each in system.notices if each.unplanned)
    return replace(system, changes=drifted, held=held, blocked=(), notices=unknown)
