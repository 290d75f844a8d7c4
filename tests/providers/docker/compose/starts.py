"""Counts how often a program is started by this process, as Python's own audit events tell it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Start(NamedTuple):
    """A process as it was started."""

    command: str
    environment: Mapping[str, str]


_counted: list[tuple[str, list[Start]]] = []
_hooked: list[bool] = []


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        words = [str(word) for word in arguments[1]]
        for program, found in _counted:
            if program in words:
                found.append(Start(" ".join(words), dict(arguments[3] or {})))


@contextmanager
def starts_of(program: Path) -> Iterator[list[Start]]:
    """The starts of the program from now on; one that is confined counts once."""
    if not _hooked:
        sys.addaudithook(_heard)
        _hooked.append(True)
    found: list[Start] = []
    entry = (str(program), found)
    _counted.append(entry)
    try:
        yield found
    finally:
        _counted.remove(entry)
