"""Progress of long work: a bar on a terminal, silence elsewhere."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from argos_gitops.ports.progress import Progress, ProgressTask


def progress_for_people() -> "Progress":
    return _TerminalProgress() if sys.stderr.isatty() else Silence()


class Silence:
    """A progress that nobody sees."""

    def task(self, description: str, total: int) -> "ProgressTask":
        return _SilentTask()


class _SilentTask:
    def advance(self, steps: int = 1) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _TerminalProgress:
    """One bar a task, on stderr; it goes away when the task ends."""

    def task(self, description: str, total: int) -> "ProgressTask":
        return _TerminalTask(description, total)


class _TerminalTask:
    def __init__(self, description: str, total: int) -> None:
        # rich takes a while to import, and most commands end without any long work.
        from rich.console import Console
        from rich.progress import Progress

        self._bar: Bar = Progress(console=Console(stderr=True), transient=True)
        self._task: TaskID = self._bar.add_task(description, total=total)

    def advance(self, steps: int = 1) -> None:
        self._bar.advance(self._task, steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
