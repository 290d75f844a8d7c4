"""Notifications for browsers, by the push services that their subscriptions name (RFC 8030)."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import orjson

from argos_gitops.model.errors import ArgosError, TerminalError
from argos_gitops.model.event import Severity
from argos_gitops.model.notification import WebPushChannel
from argos_gitops.model.secret import SecretValue
from argos_gitops.notify.channels.encryption import (
    MAX_PAYLOAD,
    Subscription,
    authorization,
    encrypt,
    private_key,
)
from argos_gitops.notify.channels.http import post
from argos_gitops.notify.message import Message
from argos_gitops.ports.secrets import Secrets

_TOKEN_SECONDS = 3600
_URGENCY = {Severity.ERROR: "high", Severity.WARNING: "normal", Severity.INFO: "low"}


def send(spec: WebPushChannel, message: Message, secrets: Secrets) -> str:
    """It has been sent when any browser was reached: trying again would tell that one twice."""
    key = secrets.resolve(spec.private_key)
    subscriptions = list(_subscriptions(spec, secrets))
    failures: list[ArgosError] = []
    for number, subscription in enumerate(subscriptions, 1):
        try:
            _push(f"browser {number}", spec, message, subscription, key)
        except ArgosError as error:
            failures.append(error)
    if len(failures) == len(subscriptions):
        raise min(failures, key=lambda error: isinstance(error, TerminalError))
    return "; ".join(map(str, failures))


def _subscriptions(spec: WebPushChannel, secrets: Secrets) -> Iterator[Subscription]:
    for ref in spec.subscriptions:
        try:
            found = orjson.loads(secrets.resolve(ref).reveal())
            yield from map(Subscription.parse, found if isinstance(found, list) else [found])
        except ValueError:
            message = f"{ref} holds no push subscription; put there what PushSubscription.toJSON() gives"
            raise TerminalError(message, reason="ChannelRefused") from None


def _push(
    who: str, spec: WebPushChannel, message: Message, subscription: Subscription, key: SecretValue
) -> None:
    endpoint = urlsplit(subscription.endpoint)
    try:
        sender = authorization(
            private_key(key.reveal()),
            f"{endpoint.scheme}://{endpoint.netloc}",
            spec.contact,
            int(time.time()) + _TOKEN_SECONDS,
        )
        content = encrypt(payload(message), subscription)
    except ValueError:
        text = f"{who}: its keys, or the VAPID key, are none of the curve P-256; look at the secrets"
        raise TerminalError(text, reason="ChannelRefused") from None
    headers = {
        "Authorization": sender,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(spec.time_to_live.total_seconds())),
        "Urgency": _URGENCY[message.severity],
        "Topic": message.id[:32],
    }
    post(f"the push service of {who}", subscription.endpoint, content, httpx.Headers(headers))


def payload(message: Message) -> bytes:
    """JSON for the page's service worker, its text cut to what fits."""
    document = {"id": message.id, "severity": message.severity.value, "title": message.title}
    room = MAX_PAYLOAD - len(orjson.dumps({**document, "text": ""}))
    return orjson.dumps({**document, "text": message.within(room, _encoded).text})


def _encoded(text: str) -> int:
    """The bytes of a text within JSON."""
    return len(orjson.dumps(text)) - 2
