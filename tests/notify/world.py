"""What the tests of this room share: secrets, messages, rules and whole Notifications over a real outbox."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.event import EVENTS
from argos_gitops.model.notification import NotificationChannelSpec, NotificationRuleSpec
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.notify.delivery import Pace, Sender
from argos_gitops.notify.message import Message, message_of
from argos_gitops.notify.notifications import Notifications
from argos_gitops.notify.patience import Patience
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Bundle
from argos_gitops.store.outbox import SqlOutbox
from tests.fakes import NoSealedFiles, SteppingClock, resource

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUICK = Pace(
    poll=timedelta(milliseconds=50),
    patience=Patience(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=100)),
)


class Environment(NoSealedFiles):
    """Secrets by the name of their variable."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def resolve(self, ref: SecretRef) -> SecretValue:
        if str(ref.env) not in self.values:
            raise SettingsError(f"the secret env {ref.env} is not set", reason="SecretMissing")
        return SecretValue(self.values[str(ref.env)])


class KeptLog:
    """Lines as one text each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts}")

    warning = info


def event(name: str = "PassFailed", subject: str = "Edge/main", title: str = "", **facts: str) -> Event:
    return Event(
        name, EVENTS[name].severity, AT, title or f"{name}: {subject}", "the text", subject, facts=facts
    )


def message(*events: Event) -> Message:
    chosen = events or (event(),)
    return message_of(Bundle("0123456789abcdef", "ops", chosen, 0, timedelta(0), ""), "home", _words())


def _words() -> Any:
    return channel(webhook={"url": "http://127.0.0.1"}).template


def channel(**spec: Any) -> NotificationChannelSpec:
    return NotificationChannelSpec.model_validate(spec)


def channel_resource(name: str, **spec: Any) -> AnyResource:
    return resource("NotificationChannel", name, channel(**spec))


def rule(*channels: str, **spec: Any) -> AnyResource:
    model = NotificationRuleSpec.model_validate({"channels": channels, **spec})
    return resource("NotificationRule", f"rule-{abs(hash(str(spec)))}", model)


def resources(*found: AnyResource) -> EagerResources:
    return EagerResources(found, "1")


def notifications(
    engine: Engine, secrets: Environment | None = None, pace: Pace = QUICK, log: KeptLog | None = None
) -> Notifications:
    sender = Sender(secrets or Environment(), "home")
    return Notifications(SqlOutbox(engine, "home"), sender, SteppingClock(), log or KeptLog(), pace)
