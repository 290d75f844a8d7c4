"""When commits were accepted. A commit's own date is its author's word; the day it came to us is not.

The file lies in the state folder of this process's machine. Where it is lost, or on another machine, a commit
counts as one that comes today.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_MOST = 4096
"""Commits remembered, the last ones; a revision that anybody goes back to is rarely older."""


class Acceptances:
    """Times of acceptance by commit, in seconds since 1970. `path` None: for this process alone."""

    def __init__(self, path: Path | None = None, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self.now = now
        self._known: dict[str, float] = {}
        self._read = ""

    def at(self, commit: str) -> float | None:
        """When it was accepted first; None for one that never was."""
        self._refresh()
        return self._known.get(commit)

    def add(self, commits: Iterable[str]) -> None:
        """Remembers them as accepted now; what was accepted before stays so."""
        self._refresh()
        now = self.now()
        fresh = {commit: now for commit in commits if commit not in self._known}
        if not fresh:
            return
        self._known |= fresh
        kept = [*self._known.items()][-_MOST:]
        self._known = dict(kept)
        self._write("".join(f"{commit} {at:.0f}\n" for commit, at in kept))

    def _refresh(self) -> None:
        """Another process may have added some."""
        if self._path is None:
            return
        with suppress(OSError, UnicodeDecodeError):
            text = self._path.read_text("ascii")
            if text != self._read:
                self._read = text
                self._known = {**_parsed(text), **self._known}

    def _write(self, text: str) -> None:
        """Whole or not at all. A disk that takes nothing costs the memory of a restart, no more."""
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            draft.replace(self._path)
            self._read = text


def _parsed(text: str) -> dict[str, float]:
    words = (line.split() for line in text.splitlines())
    return {each[0]: float(each[1]) for each in words if len(each) == 2 and each[1].isdigit()}
