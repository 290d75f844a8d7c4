"""`sync`: ask the running agent to look at everything, and wait for what comes of it."""

import time
from collections.abc import Iterator

import click

from argos_gitops.app.application import Application
from argos_gitops.app.ordering import Ordering
from argos_gitops.cli.errors import Exit, exit_code_of_state
from argos_gitops.cli.options import with_application
from argos_gitops.cli.output import show, untold_lines
from argos_gitops.cli.progress import progress_for_people
from argos_gitops.model.condition import readiness
from argos_gitops.model.errors import TransientError
from argos_gitops.planning.guard import checked_approval
from argos_gitops.planning.render.lines import Line, Segment, Style, line, pad, visible
from argos_gitops.ports.health import ALIVE
from argos_gitops.ports.report import DONE
from argos_gitops.reconcile.standing import stored_state

_POLL = 0.2


@click.command("sync")
@with_application
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the passes to their end.")
@click.option("--timeout", type=click.IntRange(1), default=300, show_default=True, help="Seconds to wait.")
@click.option(
    "--approve", metavar="DIGEST", help="Approve exactly this plan, even where the guard blocks it."
)
def command(application: Application, wait: bool, timeout: int, approve: str | None) -> int:
    """Ask the running agent to read git and look at every target now.

    With --approve the agent applies the one plan of that digest, which `status` and the status branch show.
    """
    _find_agent(application)
    ordering = Ordering(application)
    if approve is not None:
        ordering.approve(checked_approval(approve))
    number = ordering.sync()
    if not wait:
        click.echo("Asked; `argos-gitops status` tells what comes of it.")
        return Exit.OK
    _follow(application, number, time.monotonic() + timeout)
    show(list(_summary(application)))
    return _code(application)


def _find_agent(application: Application) -> None:
    now = application.replicas.now()
    if not any(now - replica.seen_at < ALIVE for replica in application.replicas.all()):
        raise TransientError(
            f"no agent runs for instance {application.settings.instance} on this store; start one with "
            "`argos-gitops run`, or use `argos-gitops apply`",
            reason="NoAgent",
        )


def _follow(application: Application, number: int, deadline: float) -> None:
    """Returns once the source and every target have answered; TransientError when they do not in time."""
    statuses = application.statuses
    states = statuses.targets()
    with progress_for_people().task("looking", len(states) + 1) as task:
        shown = 0
        while True:
            states = statuses.targets()
            source = int(statuses.source().synced >= number)
            answered = source + sum(state.synced >= number for state in states.values()) if source else 0
            task.advance(max(0, answered - shown))
            shown = max(shown, answered)
            if source and answered == len(states) + 1:
                return
            if time.monotonic() >= deadline:
                missing = [str(key) for key, state in states.items() if state.synced < number]
                raise TransientError(
                    f"no answer in time from {', '.join(missing) or 'the source'}; it goes on nevertheless, "
                    "see `argos-gitops status`",
                    reason="SyncTimeout",
                )
            time.sleep(_POLL)


def _summary(application: Application) -> Iterator[Line]:
    source, revisions = application.statuses.source(), application.statuses.revisions()
    if source.result:
        yield line(Segment(f"{source.result}: ", Style.BAD), visible(source.message))
    for target, state in application.statuses.targets().items():
        style = Style.GOOD if state.result in DONE else Style.BAD
        yield line(pad(str(target), 20), Segment(state.result, style), visible(f"  {state.message}".rstrip()))
    yield line(pad("applied", 20), (revisions.applied or "none")[:12])
    yield line(pad("resources", 20), str(readiness(application.statuses.conditions())))
    yield from untold_lines(application.statuses.untold(), application.now())


def _code(application: Application) -> int:
    """That of an `apply` which ended like this."""
    statuses = application.statuses
    state = stored_state(statuses.source(), statuses.targets(), statuses.conditions())
    return exit_code_of_state(state, statuses.untold())
