"""Structured logs on stderr. structlog is imported when the first line is written, not before."""

from functools import cached_property
from typing import Any


class Log:
    """The reconciler's log: an event and its facts, never a secret."""

    @cached_property
    def _log(self) -> Any:
        import sys

        import structlog

        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        return structlog.get_logger()

    def info(self, event: str, **facts: object) -> None:
        self._log.info(event, **facts)

    def warning(self, event: str, **facts: object) -> None:
        self._log.warning(event, **facts)
