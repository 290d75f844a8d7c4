"""Noticing that a local repository changed, so that nobody waits for the next poll.

An event carries no meaning beyond "look again": events may be lost or come in any number.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from argos_gitops.sources.open import SourceRequest, clean_folder
from argos_gitops.supervision.supervised import SupervisedThread
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.locate import enclosing_work_tree, is_bare_repository

_QUIET_MS, _DEBOUNCE_MS = 50, 500
"""A change is told once nothing happened for so long, and after so much time at the latest."""

_STILL_THERE_MS = 1_000
"""How often it is made sure that the folder is still the one that is watched."""

_RETRY_SECONDS = 1.0

_EDITORS = re.compile(r"~$|\.sw[a-z]$|^\.#|^#.*#$|^4913$|\.___jb_...___$|^\.goutputstream-")
"""What editors make beside a file while they write it (vim, emacs, JetBrains, GLib)."""

_REFS = re.compile(r"HEAD$|packed-refs$|refs/(heads|tags)/(?!argos(/|$))(?!.*\.lock$)")
"""What moves within a git folder when a branch does; branches of our own under `argos/` are left out."""


class Log(Protocol):
    def warning(self, event: str, **facts: object) -> object: ...


class Watcher:
    """Calls `changed` from a thread of its own after something below `folders` changed.

    Nothing below `ignored` counts, such as our own state. A folder that is replaced or away for a moment
    is watched again as soon as it is there.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        changed: Callable[[], None],
        log: Log,
        ignored: Sequence[Path] = (),
    ) -> None:
        self._folders = folders
        self._changed = changed
        self._log = log
        self._ignored = [folder.absolute() for folder in ignored]
        self._stop = threading.Event()
        self._thread = SupervisedThread("watch", self._run, self._stop.is_set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends within a tenth of a second."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        known = self._identities()
        while not self._stop.is_set():
            try:
                self._watch(known)
            except OSError as error:
                self._log.warning("watch_failed", message=str(error))
                self._stop.wait(_RETRY_SECONDS)
            before, known = known, self._identities()
            if known != before and not self._stop.is_set():
                self._changed()

    def _watch(self, known: Sequence[object]) -> None:
        """Until one of the folders is no longer the one that it was."""
        present = [folder for folder, identity in zip(self._folders, known, strict=True) if identity]
        for relevant in self._looks(present):
            if relevant:
                self._changed()
            if self._identities() != known:
                return

    def _looks(self, folders: Sequence[Path]) -> Iterator[bool]:
        """Whether something changed, each time that it did, and every second besides."""
        if not folders:
            while not self._stop.wait(_RETRY_SECONDS):
                yield False
            return
        from watchfiles import watch

        for events in watch(
            *folders,
            watch_filter=lambda _, path: self._is_relevant(Path(path)),
            debounce=_DEBOUNCE_MS,
            step=_QUIET_MS,
            stop_event=self._stop,
            rust_timeout=_STILL_THERE_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            yield bool(events)

    def _identities(self) -> list[object]:
        return [_identity(folder) for folder in self._folders]

    def _is_relevant(self, path: Path) -> bool:
        if any(path.is_relative_to(folder) for folder in self._ignored) or _EDITORS.search(path.name):
            return False
        root = next((folder for folder in self._folders if path.is_relative_to(folder)), None)
        if root is None:
            return True
        inside = path.relative_to(root)
        if ".git" in inside.parts:
            git = inside.parts.index(".git") + 1
            return _REFS.match("/".join(inside.parts[git:])) is not None
        return not is_bare_repository(root) or _REFS.match(str(inside)) is not None


def watchable(request: SourceRequest) -> tuple[Path, ...]:
    """The folders whose changes can be a new revision of this source; none where it is elsewhere."""
    local = parse_address(request.repo).local
    if local is None:
        return ()
    if is_bare_repository(local):
        return (local.absolute(),)
    work_tree = enclosing_work_tree(local) if request.ref else None
    if work_tree is not None:
        return (work_tree.repository,)
    return ((local / clean_folder(request.folder)).absolute(),)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
