"""What is printed: lines painted for a terminal, or text for machines. Results: stdout; logs: stderr."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import click

from argos_gitops.model.problem import Problem
from argos_gitops.planning.render.lines import Line, Segment, Style, ago, line, pad, visible
from argos_gitops.ports.store import Untold

FORMATS = ("text", "json", "markdown", "github")

_LOOKS: dict[Style, dict[str, object]] = {
    Style.STRONG: {"bold": True},
    Style.DIM: {"dim": True},
    Style.ADD: {"fg": "green"},
    Style.CHANGE: {"fg": "yellow"},
    Style.REMOVE: {"fg": "red"},
    Style.DRIFT: {"fg": "magenta"},
    Style.GOOD: {"fg": "green"},
    Style.WARN: {"fg": "yellow"},
    Style.BAD: {"fg": "red", "bold": True},
}


def show(lines: Iterable[Line], *, err: bool = False) -> None:
    """Prints lines; click drops the colours where there is no terminal, or NO_COLOR is set."""
    for each in lines:
        click.echo("".join(_paint(segment) for segment in each).rstrip(), err=err)


def _paint(segment: Segment) -> str:
    look = _LOOKS.get(segment.style)
    return segment.text if look is None else click.style(segment.text, **look)  # type: ignore[arg-type]


def untold_lines(untold: Mapping[str, Untold], now: datetime) -> Iterator[Line]:
    """What people read elsewhere is not up to date, and why."""
    for name, state in untold.items():
        why = visible(f": {state.reason}: {state.message} (first {ago(state.since, now)})")
        yield line(pad(name, 12), Segment("not up to date", Style.BAD), why)


def show_problems(problems: Sequence[Problem], form: str, warnings: Sequence[Problem] = ()) -> None:
    """Every problem and every warning; machines read them on stdout, people on stderr."""
    from argos_gitops.planning.render import problems as render

    if form == "json":
        click.echo(render.as_json(problems, warnings), nl=False)
    elif form == "markdown":
        click.echo(render.markdown(problems, warnings), nl=False)
    elif form == "github":
        click.echo(render.github(problems, warnings=warnings), nl=False)
    else:
        show(render.text(problems, warnings), err=True)


def interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
