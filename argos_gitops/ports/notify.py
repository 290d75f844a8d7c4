"""Telling people about something: now into a queue that survives, later through a channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from argos_gitops.model.event import Severity as Severity


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling. `name` is one of `model.event.EVENTS`.

    `subject` is a key as people write it, or empty; `key` tells repetitions of one and the same
    event, which are told once; where it is empty, name and subject do. Nothing in it is a secret.
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
