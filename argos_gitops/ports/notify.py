"""Telling people about something: now into a queue that survives, later through a channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling. `name` is stable and CamelCase (`PassFailed`, `DriftDetected`).

    `subject` is a key as people write it, or empty; `key` tells repetitions of one and the same
    event, which are told once. Nothing in it is a secret.
    """

    name: str
    severity: Severity
    at: datetime
    title: str
    text: str = ""
    subject: str = ""
    key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    def notify(self, event: Event) -> None:
        """Queues `event` for every channel that a rule sends it to; never waits for a channel."""
        ...
