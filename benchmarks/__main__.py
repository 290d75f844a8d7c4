"""`python -m benchmarks [NAME…] [--hosts N] [--runs N] [--json FILE]`."""

import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import orjson
from rich.console import Console

from benchmarks import (
    agent_idle,
    agent_push,
    bouncer,
    flood,
    growth,
    ingest,
    lapi_import,
    no_change_pass,
    plan_cold,
    plan_warm,
    push_agent,
    push_to_served,
    stacks,
    startup,
    validate_cold,
)
from benchmarks.bench import opened
from benchmarks.figure import Figure, table

BENCHMARKS: dict[str, ModuleType] = {
    module.NAME: module
    for module in (
        startup,
        validate_cold,
        plan_cold,
        plan_warm,
        no_change_pass,
        push_to_served,
        lapi_import,
        bouncer,
        flood,
        agent_push,
        agent_idle,
        ingest,
        push_agent,
        stacks,
        growth,
    )
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--hosts", default=10_000, show_default=True, help="Hosts in the repository that is measured.")
@click.option("--runs", default=5, show_default=True, help="How often each pair is repeated.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the figures as JSON.")
def main(names: Sequence[str], hosts: int, runs: int, json_file: Path | None) -> None:
    """Measure what the project promises; without NAMES, everything. Exits with 1 when a limit is missed."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    figures: list[Figure] = []
    with opened(hosts, runs) as bench:
        for name in names or BENCHMARKS:
            console.print(f"[dim]measuring {name} …[/dim]", highlight=False)
            figures.extend(BENCHMARKS[name].run(bench))
            if json_file is not None:
                json_file.write_bytes(orjson.dumps(_report(hosts, runs, figures), option=orjson.OPT_INDENT_2))
    console.print(table(figures))
    sys.exit(0 if all(figure.met is not False for figure in figures) else 1)


def _report(hosts: int, runs: int, figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything but where it ran: no path and no name of a machine."""
    return {
        "hosts": hosts,
        "runs": runs,
        "python": platform.python_version(),
        "figures": [figure.as_json() for figure in figures],
    }


if __name__ == "__main__":
    main()
