"""What this room writes to the log."""

from typing import Protocol


class Log(Protocol):
    """A structured log: an event and its facts, never a secret."""

    def info(self, event: str, **facts: object) -> object: ...

    def warning(self, event: str, **facts: object) -> object: ...
