"""What this room wants of a log, and the id that ties its lines to one request."""

from contextvars import ContextVar
from typing import Protocol

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty outside of one."""


class Log(Protocol):
    def info(self, event: str, **facts: object) -> None: ...

    def warning(self, event: str, **facts: object) -> None: ...


class WebLog:
    """Adds the id of the request to each line."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def info(self, event: str, **facts: object) -> None:
        self._log.info(event, request=request_id.get(), **facts)

    def warning(self, event: str, **facts: object) -> None:
        self._log.warning(event, request=request_id.get(), **facts)
