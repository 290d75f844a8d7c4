"""`run`: the agent."""

import os

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import with_application


@click.command("run")
@with_application
def command(application: Application) -> int:
    """Keep the targets equal to the repository until a signal ends it.

    Looks when git moves (polls, webhooks, changed files), when a target moves, and when somebody asks
    (`sync`, SIGHUP). SIGTERM ends it within ten seconds; SIGKILL does no harm either. It listens on
    ARGOS_LISTEN [default: 127.0.0.1:8780; `off` for nowhere].
    """
    from argos_gitops.app.agent import RunningAgent, leave

    ended = RunningAgent(application, os.environ).run()
    leave(ended)
    return Exit.OK
