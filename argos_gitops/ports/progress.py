"""Progress of long work, for a person who waits."""

from types import TracebackType
from typing import Protocol, Self


class ProgressTask(Protocol):
    """One piece of long work; leaving the `with` block ends it."""

    def advance(self, steps: int = 1) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Progress(Protocol):
    def task(self, description: str, total: int) -> ProgressTask:
        """Begins to show `description`; `total` counts steps of any unit."""
        ...
