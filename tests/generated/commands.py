"""The command reference as Markdown, from what the command line tells about itself."""

from collections.abc import Iterable, Iterator

import click

from argos_gitops.cli import cli

_HEAD = """# Commands

<!-- Generated from the command line by `scripts/generate`; do not edit. -->

Output for people goes to stdout, logs and progress go to stderr. Settings that are not options stand in
the environment or in `argos-gitops.toml` ([install.md](../install.md#settings)).
"""


def render_commands() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="argos-gitops")
    names = cli.list_commands(context)
    commands = [command for name in names if (command := cli.get_command(context, name))]
    shared = _shared_options(commands)
    parts = [_HEAD, *_exit_codes(), "## Shared options\n", _table(shared.values())]
    for command in commands:
        parts.extend(_command(command, context, shared))
    return "\n".join(parts)


def _shared_options(commands: Iterable[click.Command]) -> dict[str, click.Option]:
    """The options of every command that reads a repository."""
    each = [{option.opts[-1]: option for option in _options(command)} for command in commands]
    reading = [options for options in each if "--repo" in options]
    everywhere = set.intersection(*(set(options) for options in reading))
    return {name: option for name, option in reading[0].items() if name in everywhere}


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _exit_codes() -> Iterator[str]:
    text = " ".join((cli.help or "").split())
    yield "## Exit codes\n"
    codes = text.partition("Exit codes: ")[2].rstrip(".").split("; ")
    yield "\n".join(f"- **{code[0]}** {code[2:]}" for code in codes) + "\n"


def _command(command: click.Command, parent: click.Context, shared: dict[str, click.Option]) -> Iterator[str]:
    context = click.Context(command, info_name=command.name, parent=parent)
    yield f"## {command.name}\n"
    yield f"    {' '.join(['argos-gitops', command.name or '', *command.collect_usage_pieces(context)])}\n"
    yield " ".join((command.help or "").split()) + "\n"
    own = [option for option in _options(command) if option.opts[-1] not in shared]
    if own:
        yield _table(own)
    if len(own) < len(_options(command)):
        yield "And the [shared options](#shared-options).\n"


def _table(options: Iterable[click.Option]) -> str:
    rows = [f"| {_spelling(option)} | {_cell(option.help or '')}{_default(option)} |" for option in options]
    return "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"


def _spelling(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    return names if option.is_flag else f"{names} {_cell(_value(option))}"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    return option.metavar or option.type.name.upper()


def _default(option: click.Option) -> str:
    return f" Default: {option.default}." if option.show_default else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
