"""A message of a Telegram bot (Bot API, sendMessage), as plain text: nothing in it is markup."""

from typing import Any

import httpx
import orjson

from argos_gitops.model.notification import TelegramChannel
from argos_gitops.notify.channels.http import post
from argos_gitops.notify.message import Message
from argos_gitops.ports.secrets import Secrets

MAX_TEXT = 4096
"""Characters of a message, as the Bot API says; it counts UTF-16 code units."""


def send(spec: TelegramChannel, message: Message, secrets: Secrets) -> str:
    room = MAX_TEXT - _units(f"{message.title}\n\n")
    content: dict[str, Any] = {
        "chat_id": spec.chat_id,
        "text": f"{message.title}\n\n{message.within(room, _units).text}",
        "link_preview_options": {"is_disabled": True},
    }
    if spec.thread_id is not None:
        content["message_thread_id"] = spec.thread_id
    token = secrets.resolve(spec.bot_token).reveal()
    url = f"{spec.api_url.rstrip('/')}/bot{token}/sendMessage"
    headers = httpx.Headers({"Content-Type": "application/json"})
    post("Telegram", url, orjson.dumps(content), headers, _patience)
    return ""


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _patience(answer: bytes) -> object:
    """Seconds, which the Bot API names in the answer (ResponseParameters)."""
    try:
        return orjson.loads(answer)["parameters"]["retry_after"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
