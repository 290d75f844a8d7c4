"""JSON to a URL, signed as the Standard Webhooks specification says (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import time

import httpx
import orjson

from argos_gitops.model.notification import WebhookChannel
from argos_gitops.model.secret import SecretRef
from argos_gitops.notify.channels.http import post
from argos_gitops.notify.channels.receivers import body_for, receiver_of
from argos_gitops.notify.message import Message
from argos_gitops.ports.secrets import Secrets

_PREFIX = "whsec_"


def send(spec: WebhookChannel, message: Message, secrets: Secrets) -> str:
    url = _plain(spec.url, secrets)
    content = _content(spec, message, url)
    headers = httpx.Headers({"Content-Type": "application/json"})
    headers.update({name: _plain(value, secrets) for name, value in spec.headers.items()})
    headers.update({"webhook-id": message.id, "webhook-timestamp": str(int(time.time()))})
    if spec.signing_secret is not None:
        key = key_of(secrets.resolve(spec.signing_secret).reveal())
        headers["webhook-signature"] = signature(key, message.id, headers["webhook-timestamp"], content)
    post("the webhook", url, content, headers)
    return ""


def key_of(secret: str) -> bytes:
    """The bytes that a signing secret stands for: base64 after `whsec_`, else the secret as it is."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret[len(_PREFIX) :], validate=True)
    except binascii.Error:
        return secret.encode()


def signature(key: bytes, message_id: str, timestamp: str, content: bytes) -> str:
    """`v1,` and HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64."""
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _plain(value: str | SecretRef, secrets: Secrets) -> str:
    return secrets.resolve(value).reveal() if isinstance(value, SecretRef) else value


def _content(spec: WebhookChannel, message: Message, url: str) -> bytes:
    if spec.max_text is not None:
        message = message.within(spec.max_text)
    if spec.body is None:
        return orjson.dumps({**message.document, "text": message.text} if spec.max_text else message.document)
    return body_for(receiver_of(url), spec.body, message)
