"""`apply`: make the targets equal to the repository, and prove it."""

from collections.abc import Callable
from pathlib import Path

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.errors import Exit, exit_code_of_state
from argos_gitops.cli.options import REV, with_application
from argos_gitops.cli.output import interactive, show, show_problems, untold_lines
from argos_gitops.cli.overriding import with_override
from argos_gitops.cli.plan import show_plan
from argos_gitops.model.change import Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import ManifestError
from argos_gitops.model.plan import Plan
from argos_gitops.planning.planfile import SavedPlan, load, verify_fresh
from argos_gitops.planning.render.lines import Line, Segment, Style, line, visible
from argos_gitops.ports.report import NOT_READY, PassResult
from argos_gitops.reconcile.parts import Approval


@click.command("apply")
@click.argument("plan_file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_application
@with_override
@REV
@click.option("--auto-approve", is_flag=True, help="Do not ask. Never overrules the guard.")
@click.option(
    "--approve", metavar="DIGEST", help="Approve exactly this plan, even where the guard blocks it."
)
def command(
    application: Application, plan_file: Path | None, rev: str | None, auto_approve: bool, approve: str | None
) -> int:
    """Make the targets equal to the repository, prove the effect, and write the status branch.

    With PLAN_FILE (from `plan --out`) nothing is done unless planning again gives that same plan.
    """
    _refuse_while_held(application, rev)
    saved = load(plan_file.read_bytes()) if plan_file is not None else None
    try:
        result = application.apply(_approver(application, saved, auto_approve, approve), rev)
    except ManifestError as error:
        show_problems(error.problems, "text")
        return Exit.INVALID
    if approve is not None and result.plan is not None and result.plan.blocked:
        Ordering(application).approved(result.plan.digest)
    untold = application.statuses.untold()
    show([*_summary(result), *untold_lines(untold, application.now())])
    return exit_code_of_state(result.state, untold)


def _refuse_while_held(application: Application, rev: str | None) -> None:
    """What git has is not applied behind the back of whoever went away from it."""
    pin = application.controls.pin()
    if pin is not None and rev is None:
        why = f" ({pin.reason})" if pin.reason else ""
        raise click.UsageError(
            f"{pin.by} holds this instance at {pin.revision[:12]}{why}; follow git again with "
            f"`argos-gitops resume --agent`, or apply that revision with --rev {pin.revision[:12]}"
        )


def _approver(
    application: Application, saved: SavedPlan | None, auto_approve: bool, digest: str | None
) -> Callable[[Plan], Approval]:
    def approve(plan: Plan) -> Approval:
        show_plan(plan, "text", application)
        if saved is not None:
            verify_fresh(saved, plan)
        if plan.empty or auto_approve or digest is not None or saved is not None:
            return Approval(True, digest, only_this_plan=saved is not None)
        if plan.blocked:
            return Approval(False)
        return Approval(_ask(), only_this_plan=True)

    return approve


def _ask() -> bool:
    if not interactive():
        raise click.UsageError(
            "nobody is there to ask; add --auto-approve, or --approve with the plan's digest"
        )
    return click.confirm("Apply this plan?", default=False)


def _summary(result: PassResult) -> list[Line]:
    if result.result == "Declined":
        return [line(Segment("Nothing was written.", Style.WARN))]
    lines: list[Line] = []
    for system, outcome in result.outcomes:
        if outcome.result is not Result.DONE:
            text = visible(f"{outcome.reason}: {outcome.message}")
            what = f"{system}: {outcome.change.action} {outcome.change.owner} {outcome.result}: "
            lines.append(line("  ", Segment(what, Style.BAD), text))
    for condition in result.conditions:
        if condition.type == "Ready" and condition.status is not Truth.TRUE:
            text = visible(f" {condition.reason}: {condition.message}")
            lines.append(line("  ", Segment(f"{condition.subject} is not ready:", Style.WARN), text))
    return [*lines, _closing(result)]


def _closing(result: PassResult) -> Line:
    done = sum(outcome.result is Result.DONE for _, outcome in result.outcomes)
    made = f"{done} of {len(result.outcomes)} changes made" if result.outcomes else "nothing was written"
    if result.result == "NoChange" and result.plan is not None and result.plan.only_told:
        count = len(result.plan.only_told)
        found = "1 difference is" if count == 1 else f"{count:,} differences are"
        return line(
            Segment("Nothing to do here; ", Style.WARN), f"{found} to be put right where only others write."
        )
    if result.state == NOT_READY:
        unready = len(result.readiness.unready)
        are = "resource is" if unready == 1 else "resources are"
        return line(Segment(f"{made[0].upper()}{made[1:]}; ", Style.WARN), f"{unready:,} {are} not ready.")
    if result.result == "NoChange":
        return line(Segment("Nothing to do: live and git agree.", Style.GOOD))
    if result.result == "Unreachable" and result.plan is not None:
        count, systems = len(result.plan.unreachable), len(result.plan.systems)
        what = f"{count} of {systems} systems" if count else visible(result.message)
        return line(Segment(f"Unreachable: {what}; ", Style.BAD), f"{made}.")
    style = {"Applied": Style.GOOD, "Waiting": Style.WARN}.get(result.result, Style.BAD)
    return line(Segment(f"{result.result}: ", style), f"{made}.")
