"""The problems of a rejected revision: for people, forges and programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from argos_gitops.model.problem import Problem
from argos_gitops.planning.render.github import annotation, bounded
from argos_gitops.planning.render.lines import Line, Segment, Style, line, visible
from argos_gitops.planning.render.markdown import MAX_LENGTH, escape

FORMAT_VERSION = "1.0"

MAX_PROBLEMS = 200
"""Problems that people get to read at once; more are counted, not listed."""

_BY_COUNT = {True: Style.BAD, False: Style.GOOD}


def text(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> list[Line]:
    """Grouped by file, each as `path:line:column CODE message`, and how many there are."""
    lines = [*_grouped(problems, Style.BAD), line(Segment(count(problems), _BY_COUNT[bool(problems)]))]
    if not warnings:
        return lines
    closing = line(Segment(count(warnings, "warning"), Style.WARN))
    return [*_grouped(warnings, Style.WARN), closing, *lines]


def markdown(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    """A list under each count, in order of place, cut where the page would get too long."""
    page = [f"**{count(problems)}**", "", *_items(problems, MAX_LENGTH)]
    if warnings:
        room = MAX_LENGTH - sum(len(item) + 1 for item in page)
        page += ["", f"**{count(warnings, 'warning')}**", "", *_items(warnings, room)]
    return "\n".join(page) + "\n"


def _items(problems: Sequence[Problem], room: int) -> Iterator[str]:
    length = 200
    for number, problem in enumerate(sorted(problems)):
        item = f"- {escape(_place(problem))} {escape(problem.code)} {escape(problem.message)}"
        length += len(item) + 1
        if length > room:
            yield f"- … and {len(problems) - number:,} more"
            return
        yield item


def as_json(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    document = {
        "format_version": FORMAT_VERSION,
        "valid": not problems,
        "problems": _documents(problems),
        "warnings": _documents(warnings),
    }
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


def _documents(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [
        {**asdict(problem.location), "code": problem.code, "message": problem.message}
        for problem in sorted(problems)
    ]


def github(problems: Sequence[Problem], root: str = "", warnings: Sequence[Problem] = ()) -> str:
    """One annotation for each problem and each warning, beside the line it is about."""
    found = [
        annotation(level, problem.code, problem.message, problem.location, root)
        for level, group in (("error", problems), ("warning", warnings))
        for problem in sorted(group)
    ]
    return bounded(found, annotation("notice", "Validation", count(problems)))


def count(problems: Sequence[Problem], noun: str = "problem") -> str:
    """`3 problems in 2 files.`"""
    if not problems:
        return f"No {noun}s."
    files = len({problem.location.path for problem in problems})
    found = f"1 {noun}" if len(problems) == 1 else f"{len(problems):,} {noun}s"
    return f"{found} in {'1 file' if files == 1 else f'{files:,} files'}."


def _grouped(problems: Sequence[Problem], style: Style) -> Iterator[Line]:
    for _, group in groupby(sorted(problems)[:MAX_PROBLEMS], key=lambda problem: problem.location.path):
        yield from (_line(problem, style) for problem in group)
        yield ()
    if len(problems) > MAX_PROBLEMS:
        yield line(f"… and {len(problems) - MAX_PROBLEMS:,} more (see -o json)")
        yield ()


def _line(problem: Problem, style: Style) -> Line:
    return line(
        Segment(visible(_place(problem)), Style.STRONG),
        " ",
        Segment(visible(problem.code), style),
        f" {visible(problem.message)}",
    )


def _place(problem: Problem) -> str:
    location = problem.location
    return f"{location}:{location.column}" if location.line else location.path
