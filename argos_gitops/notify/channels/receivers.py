"""How much each kind of receiver of webhooks takes, and a body that keeps to it.

What is longer is refused whole (HTTP 400 or 413), so that the largest alarm would reach nobody.
Sources: Discord, Execute Webhook and Embed Limits; Slack, chat.postMessage (text) and section block;
Microsoft Teams, incoming webhooks (28 KB, of UTF-16 where the request names no charset); ntfy,
message-size-limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from argos_gitops.notify.message import Message, fitting, utf8


@dataclass(frozen=True, slots=True)
class Receiver:
    """The longest strings by the name of their field, at the top and inside of others, in units of `size`.

    `whole` is the longest body, in bytes of JSON; `strings` all strings inside of others together.
    """

    top: Mapping[str, int] = field(default_factory=dict)
    inside: Mapping[str, int] = field(default_factory=dict)
    strings: int | None = None
    whole: int | None = None
    size: Callable[[str], int] = len

    def limit(self, path: tuple[str, ...]) -> int | None:
        return (self.top if len(path) == 1 else self.inside).get(path[-1]) if path else None


ANY = Receiver()
_DISCORD = Receiver(
    {"content": 2000, "username": 80},
    {"title": 256, "description": 4096, "name": 256, "value": 1024, "text": 2048},
    strings=6000,
)
_SLACK = Receiver({"text": 40_000}, {"text": 3000, "value": 2000, "title": 300, "pretext": 3000})
_TEAMS = Receiver(whole=14_000)
_NTFY = Receiver({"message": 4096, "title": 1024}, size=utf8)

_HOSTS = {
    "discord.com": _DISCORD,
    "discordapp.com": _DISCORD,
    "hooks.slack.com": _SLACK,
    "hooks.slack-gov.com": _SLACK,
    "webhook.office.com": _TEAMS,
    "logic.azure.com": _TEAMS,
    "api.powerplatform.com": _TEAMS,
    "ntfy.sh": _NTFY,
}


def receiver_of(url: str) -> Receiver:
    """By the host of the URL; one that nobody knows takes everything."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    found = next((each for name, each in _HOSTS.items() if host == name or host.endswith(f".{name}")), ANY)
    if found is _DISCORD and parts.path.rstrip("/").endswith("/slack"):
        return Receiver({"text": 2000}, {"text": 2000}, strings=6000)
    return found


def body_for(receiver: Receiver, body: Mapping[str, Any], message: Message) -> bytes:
    """The JSON with the placeholders filled in, the text of the message as short as the receiver needs it.

    A body that is too long without any text is sent as it is: the receiver says what is wrong with it.
    """
    text = len(message.text)
    while True:
        shown = message.within(text)
        filled = _filled(body, (), receiver, shown)
        encoded = orjson.dumps(filled)
        over = max(
            len(encoded) - receiver.whole if receiver.whole is not None else 0,
            _length(filled, inside=False) - receiver.strings if receiver.strings is not None else 0,
        )
        if over <= 0 or not shown.text:
            return encoded
        text = max(0, min(text, len(shown.text)) - max(over // 2, 1))


def _filled(value: Any, path: tuple[str, ...], receiver: Receiver, message: Message) -> Any:
    if isinstance(value, str):
        return _bounded(value, receiver.limit(path), receiver.size, message)
    if isinstance(value, dict):
        return {name: _filled(each, (*path, name), receiver, message) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(each, path, receiver, message) for each in value]
    return value


def _bounded(template: str, limit: int | None, size: Callable[[str], int], message: Message) -> str:
    filled = message.fill(template)
    if limit is None or size(filled) <= limit:
        return filled
    room = size(message.text) - (size(filled) - limit)
    return fitting(message.within(max(room, 0), size).fill(template), limit, size)


def _length(value: Any, *, inside: bool) -> int:
    """The characters of all strings below the top."""
    if isinstance(value, str):
        return len(value) if inside else 0
    if isinstance(value, dict):
        return sum(_length(each, inside=inside or not isinstance(each, str)) for each in value.values())
    if isinstance(value, list):
        return sum(_length(each, inside=True) for each in value)
    return 0
