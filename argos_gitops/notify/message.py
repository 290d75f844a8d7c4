"""What a bundle of events reads like: a title, a text, and all that is known for programs. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from string import Template
from typing import Any

from argos_gitops.model.event import Severity
from argos_gitops.model.notification import TemplateSpec
from argos_gitops.planning.render.lines import inert, shorten
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Bundle

MAX_TITLE = 150
MAX_TEXT = 20_000
_SIGNS = {Severity.ERROR: "✖", Severity.WARNING: "▲", Severity.INFO: "•"}


@dataclass(frozen=True, slots=True)
class Message:
    """`id` stays the same when it is tried again. `placeholders` are what templates may name."""

    id: str
    title: str
    text: str
    severity: Severity
    at: datetime
    document: Mapping[str, Any]
    placeholders: Mapping[str, str]

    def fill(self, template: str) -> str:
        return Template(template).safe_substitute(self.placeholders)

    def within(self, limit: int, size: Callable[[str], int] = len) -> "Message":
        """The same with a text of at most `limit`, as `size` measures it."""
        text = fitting(self.text, limit, size)
        return replace(self, text=text, placeholders={**self.placeholders, "text": text})


def fitting(text: str, limit: int, size: Callable[[str], int] = len) -> str:
    """The first whole lines of a text and how many there are besides, at most `limit` as `size` measures it.

    A line that does not fit alone is cut.
    """
    if size(text) <= limit:
        return text
    lines = text.splitlines()
    for kept in range(len(lines) - 1, 0, -1):
        rest = sum(1 for each in lines[kept:] if each)
        short = "\n".join([*lines[:kept], f"… and {rest:,} more"])
        if size(short) <= limit:
            return short
    cut = min(len(text), limit)
    while cut > 0 and size(f"{text[:cut]}…") > limit:
        cut -= max(1, (size(f"{text[:cut]}…") - limit) // 4)
    return f"{text[:cut]}…" if cut > 0 else ""


def utf8(text: str) -> int:
    """The bytes of a text."""
    return len(text.encode())


def message_of(bundle: Bundle, instance: str, words: TemplateSpec) -> Message:
    """The message for a bundle, in the words of its channel."""
    events = bundle.events
    severity = max((event.severity for event in events), key=lambda each: each.rank)
    title = shorten(inert(f"[{instance}] {_title(events)}"), MAX_TITLE)
    text = fitting(_text(events), MAX_TEXT)
    at = max(event.at for event in events)
    placeholders = {
        "id": bundle.id,
        "instance": instance,
        "title": title,
        "text": text,
        "severity": severity.value,
        "events": ", ".join(dict.fromkeys(event.name for event in events)),
        "subjects": ", ".join(dict.fromkeys(event.subject for event in events if event.subject)),
        "count": str(len(events)),
        "at": _time(at),
    }
    document = {
        "id": bundle.id,
        "instance": instance,
        "severity": severity.value,
        "title": title,
        "text": text,
        "events": [_document(event) for event in events],
    }
    plain = Message(bundle.id, title, text, severity, at, document, placeholders)
    return replace(
        plain,
        title=shorten(plain.fill(words.title), MAX_TITLE) if words.title is not None else title,
        text=fitting(plain.fill(words.text), MAX_TEXT) if words.text is not None else text,
    )


def _title(events: Sequence[Event]) -> str:
    if len(events) == 1:
        return events[0].title
    counts = Counter(event.name for event in sorted(events, key=lambda event: -event.severity.rank))
    names = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts.items())
    return f"{len(events)} events: {names}"


def _text(events: Sequence[Event]) -> str:
    if len(events) == 1:
        return _lines(events[0])
    return "\n\n".join(f"{_SIGNS[event.severity]} {inert(event.title)}\n{_lines(event)}" for event in events)


def _lines(event: Event) -> str:
    """Foreign words are made safe line by line."""
    lines = [inert(line) for line in event.text.splitlines()]
    return "\n".join([*lines, f"{event.name} at {_time(event.at)}"])


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _document(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "severity": event.severity.value,
        "at": event.at.isoformat(),
        "title": event.title,
        "text": event.text,
        "subject": event.subject,
        "key": event.key,
        "facts": dict(event.facts),
    }
