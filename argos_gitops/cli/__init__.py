"""The command line: one file per command; argument in, exit code out. Does not: logic.

Commands are imported when they are called, so that `--help` answers at once.
"""

import gc
import sys
from importlib import import_module

import click

from argos_gitops import __version__

COMMANDS = {
    "init": "Scaffold a config repository that validates.",
    "validate": "Check a config repository; tells every problem at once.",
    "fmt": "Rewrite YAML files in the canonical form, comments kept.",
    "schema": "Print or write the JSON Schema of the config language.",
    "plan": "Show what apply would do, and why.",
    "apply": "Make the edge equal to the repository, and prove it.",
    "run": "Be the agent: keep the edge equal to the repository until told to end.",
    "sync": "Ask the running agent to look at everything now, and wait for it.",
    "status": "Show what the last pass saw and did.",
    "drift": "Show what the world changed that git did not.",
    "history": "List the last passes.",
    "audit": "Tell who or what did which thing, and when.",
    "explain": "Tell all that is known about one resource.",
    "render": "Print what one resource compiles to.",
    "suspend": "Leave something alone until it is resumed.",
    "resume": "Let go on what was suspended or pinned, or override closed windows.",
    "rollback": "Go back to a revision, and stay there until resumed.",
    "token": "Make, exchange and take back the tokens of the agents on Docker hosts.",
    "doctor": "Check settings, git, store, Caddy, CrowdSec and GeoIP, and say what to do.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"argos_gitops.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="argos-gitops")
def cli() -> None:
    """Keep a self-hosted edge equal to a git repository.

    Exit codes: 0 done, or nothing to change; 1 failure; 2 changes pending (plan
    --detailed-exitcode); 3 invalid configuration; 4 blocked by the guard; 5 a target is
    unreachable; 6 the plan is stale.
    """


def main() -> None:
    """The entry point of `argos-gitops`. A command is over before its garbage could matter."""
    gc.disable()
    try:
        code = cli.main(prog_name="argos-gitops", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Aborted; nothing was written.", err=True)
        code = 1
    except click.ClickException as error:
        error.show()
        code = 1
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        code = 130
    except Exception as error:  # noqa: BLE001 # told apart below; what is not ours is raised again
        from argos_gitops.cli.errors import exit_code_of

        code = exit_code_of(error)
    sys.exit(code or 0)
