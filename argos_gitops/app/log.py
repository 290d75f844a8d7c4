"""Structured logs on stderr, for people or as JSON. The one place that knows structlog.

structlog is imported when the first line is written, not before: most commands never write one.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from argos_gitops.model.secret import MASK, SecretValue
from argos_gitops.vcs.address import redact_urls

Facts = MutableMapping[str, Any]


class Log:
    """An event and its facts in each line, never a secret. `form` is console or json."""

    def __init__(self, form: str = "console") -> None:
        self._form = form

    def info(self, event: str, **facts: object) -> None:
        with suppress(OSError):  # a line that finds no room, as its disk is full, stops nobody's work
            self._log.info(event, **facts)

    def warning(self, event: str, **facts: object) -> None:
        with suppress(OSError):
            self._log.warning(event, **facts)

    def error(self, event: str, **facts: object) -> None:
        with suppress(OSError):
            self._log.error(event, **facts)

    @cached_property
    def _log(self) -> Any:
        import structlog

        if self._form == "json":
            render: Any = structlog.processors.JSONRenderer()
        else:
            plain = structlog.dev.plain_traceback  # the pretty one shows local variables, secrets too
            render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
        return structlog.wrap_logger(
            structlog.WriteLogger(sys.stderr),  # a line is one write: two processes share this stream
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _redact,
                render,
            ],
        )


def adopt_library_logs(log: Log) -> None:
    """From now on what libraries warn of through `logging` becomes lines of `log`."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward(log)], force=True)


class _Forward(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self.setFormatter(logging.Formatter("%(message)s"))  # appends the traceback, if there is one

    def emit(self, record: logging.LogRecord) -> None:
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write("library", logger=record.name, message=self.format(record))


def _redact(_: object, __: str, facts: Facts) -> Facts:
    """Secrets by their type, and credentials in URLs, wherever they stand."""
    return {name: _shown(value) for name, value in facts.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return MASK
    if isinstance(value, str):
        return redact_urls(value)
    if isinstance(value, Mapping):
        return {str(key): _shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(each) for each in value]
    return value if isinstance(value, bool | int | float | None) else redact_urls(str(value))
