"""One attempt to send a message through a channel, within a time limit and with every failure told."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from argos_gitops.model.errors import ArgosError, TransientError
from argos_gitops.model.event import EVENTS
from argos_gitops.model.notification import NotificationChannelSpec
from argos_gitops.model.resource import Resource
from argos_gitops.notify.message import Message, message_of
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Bundle
from argos_gitops.ports.secrets import Secrets

TIME_LIMIT = timedelta(seconds=60)
"""For the whole of an attempt, whatever its steps may take; a claim in the outbox lasts longer."""

_LOOK_UP = 0.1
"""Seconds between two looks whether there is a hurry."""


def _never() -> bool:
    return False


def attempt(
    spec: NotificationChannelSpec,
    message: Message,
    secrets: Secrets,
    limit: timedelta = TIME_LIMIT,
    hurry: Callable[[], bool] = _never,
) -> str:
    """What `send` of the channel gives and raises; TransientError when it takes too long, or in a `hurry`.

    It runs in a thread of its own, which is left behind then: no library lets itself be interrupted.
    """
    found: list[str | ArgosError] = []
    thread = threading.Thread(
        target=lambda: found.append(_contained(lambda: _send(spec, message, secrets))),
        name="notification",
        daemon=True,
    )
    end = time.monotonic() + limit.total_seconds()
    thread.start()
    while thread.is_alive() and time.monotonic() < end and not hurry():
        thread.join(min(_LOOK_UP, max(0.0, end - time.monotonic())))
    if not found and hurry():
        raise TransientError("the agent ended before the channel had answered", reason="ChannelUnreachable")
    if not found:
        text = f"the channel takes longer than {limit.total_seconds():.0f} s"
        raise TransientError(text, reason="ChannelUnreachable")
    if isinstance(found[0], ArgosError):
        raise found[0]
    return found[0]


def attempt_test(
    channel: Resource[NotificationChannelSpec], secrets: Secrets, instance: str, at: datetime
) -> str:
    """Sends an event Test now, past rules and outbox. Gives and raises what `attempt` does."""
    event = Event(
        "Test",
        EVENTS["Test"].severity,
        at,
        f"A test of {channel.key}",
        "Somebody asked for it with argos-gitops doctor --send-test.",
        str(channel.key),
    )
    bundle = Bundle(f"test-{at.timestamp():.0f}", channel.name, (event,), 0, timedelta(0), "")
    return attempt(channel.spec, message_of(bundle, instance, channel.spec.template), secrets)


def _contained(work: Callable[[], str]) -> str | ArgosError:
    try:
        return work()
    except ArgosError as error:
        return error
    except Exception as error:  # noqa: BLE001 # the top of a thread: a library's flaw must not end the telling
        text = f"unexpected {type(error).__name__} while sending; please report it"
        return TransientError(text, reason="ChannelFailing")


def _send(spec: NotificationChannelSpec, message: Message, secrets: Secrets) -> str:
    """Each way is imported when it is first gone: most installations go one of them."""
    if spec.webhook is not None:
        from argos_gitops.notify.channels import webhook

        return webhook.send(spec.webhook, message, secrets)
    if spec.smtp is not None:
        from argos_gitops.notify.channels import smtp

        return smtp.send(spec.smtp, message, secrets)
    if spec.telegram is not None:
        from argos_gitops.notify.channels import telegram

        return telegram.send(spec.telegram, message, secrets)
    if spec.web_push is not None:
        from argos_gitops.notify.channels import webpush

        return webpush.send(spec.web_push, message, secrets)
    assert spec.apprise is not None  # noqa: S101 # the model says so: exactly one is there
    from argos_gitops.notify.channels import other

    return other.send(spec.apprise, message, secrets)
