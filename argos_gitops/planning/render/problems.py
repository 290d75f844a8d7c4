"""The problems of a rejected revision: for people, forges and programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from argos_gitops.model.problem import Problem
from argos_gitops.planning.render.github import annotation, bounded
from argos_gitops.planning.render.lines import Line, Segment, Style, line, visible
from argos_gitops.planning.render.markdown import MAX_LENGTH, escape

FORMAT_VERSION = "1.0"

MAX_PROBLEMS = 200
"""Problems that people get to read at once; more are counted, not listed."""


def text(problems: Sequence[Problem]) -> list[Line]:
    """Grouped by file, each as `path:line:column CODE message`, and how many there are."""
    lines: list[Line] = []
    for _, group in groupby(sorted(problems)[:MAX_PROBLEMS], key=lambda problem: problem.location.path):
        lines += [*(_line(problem) for problem in group), ()]
    if len(problems) > MAX_PROBLEMS:
        lines += [line(f"… and {len(problems) - MAX_PROBLEMS:,} more (see -o json)"), ()]
    return [*lines, line(Segment(count(problems), Style.BAD if problems else Style.GOOD))]


def markdown(problems: Sequence[Problem]) -> str:
    """A list under the count, in order of place, cut where the page would get too long."""
    page = [f"**{count(problems)}**", ""]
    length = 200
    for number, problem in enumerate(sorted(problems)):
        item = f"- {escape(_place(problem))} {escape(problem.code)} {escape(problem.message)}"
        length += len(item) + 1
        if length > MAX_LENGTH:
            page.append(f"- … and {len(problems) - number:,} more")
            break
        page.append(item)
    return "\n".join(page) + "\n"


def as_json(problems: Sequence[Problem]) -> str:
    document = {
        "format_version": FORMAT_VERSION,
        "valid": not problems,
        "problems": [
            {**asdict(problem.location), "code": problem.code, "message": problem.message}
            for problem in sorted(problems)
        ],
    }
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


def github(problems: Sequence[Problem], root: str = "") -> str:
    """One error annotation for each problem, beside the line it is about."""
    found = [
        annotation("error", problem.code, problem.message, problem.location, root)
        for problem in sorted(problems)
    ]
    return bounded(found, annotation("notice", "Validation", count(problems)))


def count(problems: Sequence[Problem]) -> str:
    """`3 problems in 2 files.`"""
    if not problems:
        return "No problems."
    files = len({problem.location.path for problem in problems})
    found = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
    return f"{found} in {'1 file' if files == 1 else f'{files:,} files'}."


def _line(problem: Problem) -> Line:
    return line(
        Segment(visible(_place(problem)), Style.STRONG),
        " ",
        Segment(visible(problem.code), Style.BAD),
        f" {visible(problem.message)}",
    )


def _place(problem: Problem) -> str:
    location = problem.location
    return f"{location}:{location.column}" if location.line else location.path
