"""Which rules send an event where. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from argos_gitops.model.event import ENDS, EVENTS, Severity
from argos_gitops.model.notification import NotificationChannelSpec, NotificationRuleSpec
from argos_gitops.model.resource import ResourceSet
from argos_gitops.notify.news import Telling
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import News, Notification


@dataclass(frozen=True, slots=True)
class Rules:
    """The channels and rules of one revision."""

    channels: Mapping[str, NotificationChannelSpec] = field(default_factory=dict)
    rules: tuple[NotificationRuleSpec, ...] = ()

    @classmethod
    def of(cls, resources: ResourceSet) -> "Rules":
        """Those that are not suspended."""
        channels = resources.of(NotificationChannelSpec).items()
        rules = resources.of(NotificationRuleSpec).values()
        return cls(
            {name: channel.spec for name, channel in channels if not channel.suspended},
            tuple(rule.spec for rule in rules if not rule.suspended),
        )

    def address(self, telling: Telling, besides: str = "") -> News:
        """The telling for every channel that a rule sends it to, `besides` one."""
        event = telling.event
        if event is None:
            return News((), telling.opens, telling.closes)
        mark = f"{event.name} {telling.opens.fingerprint}" if telling.opens is not None else event.name
        found: dict[str, Notification] = {}
        for rule in self.rules:
            if _matches(rule, event):
                for channel in rule.channels:
                    if channel in self.channels and channel != besides:
                        _add(found, _notification(rule, channel, event, mark))
        return News(tuple(found.values()), telling.opens, telling.closes)


def _notification(rule: NotificationRuleSpec, channel: str, event: Event, mark: str) -> Notification:
    patience = {"after": rule.after} if event.name in ENDS else {}
    ends = _beginning(event) is not None
    return Notification(channel, event, mark, rule.throttle, ends=ends, **patience)


def _add(found: dict[str, Notification], notification: Notification) -> None:
    """Of several rules for one channel, the one that tells soonest counts."""
    known = found.get(notification.channel)
    if known is None or (notification.after, notification.throttle) < (known.after, known.throttle):
        found[notification.channel] = notification


def _matches(rule: NotificationRuleSpec, event: Event) -> bool:
    if not _about(rule, event):
        return False
    began = _beginning(event)
    if began is None:
        return _called(rule, event.name, event.severity)
    severity = EVENTS[began].severity
    return rule.recoveries and any(_called(rule, name, severity) for name in (event.name, began))


def _beginning(event: Event) -> str | None:
    """The event whose state this one ends."""
    kind = EVENTS.get(event.name)
    return kind.ends if kind is not None and kind.ends else None


def _called(rule: NotificationRuleSpec, name: str, severity: Severity) -> bool:
    return severity.rank >= rule.min_severity.rank and _any(name, rule.events)


def _about(rule: NotificationRuleSpec, event: Event) -> bool:
    """By the event's subject, or by the target that it happened on."""
    subjects = (event.subject, event.facts.get("target", ""))
    return not rule.objects or any(_any(subject, rule.objects) for subject in subjects if subject)


def _any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
