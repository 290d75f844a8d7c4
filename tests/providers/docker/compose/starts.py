"""Counts how often a program is started by this process, as Python's own audit events tell it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_counted: list[tuple[str, list[str]]] = []
_hooked: list[bool] = []


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        words = [str(word) for word in arguments[1]]
        for program, found in _counted:
            if program in words:
                found.append(" ".join(words))


@contextmanager
def starts_of(program: Path) -> Iterator[list[str]]:
    """The command lines that have the program in them, from now on; a confined program is started once."""
    if not _hooked:
        sys.addaudithook(_heard)
        _hooked.append(True)
    found: list[str] = []
    entry = (str(program), found)
    _counted.append(entry)
    try:
        yield found
    finally:
        _counted.remove(entry)
