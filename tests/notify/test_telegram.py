"""A Telegram bot, against a stand-in for the Bot API."""

import json
from dataclasses import replace

import pytest

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.notify.attempt import attempt
from tests.components.receiver import Answer, Receiver
from tests.notify.world import Environment, channel, event, message

SECRETS = Environment({"BOT": "12345:canary-bot"})


def test_a_message_goes_to_the_chat(receiver: Receiver) -> None:
    """As plain text: nothing that stands in it is markup."""
    telegram = {"botToken": {"env": "BOT"}, "chatId": "-100", "threadId": 7, "apiUrl": f"{receiver.url}/"}
    told = message(event(title="<b>*title*</b>"))
    assert attempt(channel(telegram=telegram), told, SECRETS) == ""
    (received,) = receiver.received
    body = json.loads(received.body)
    assert received.path == "/bot12345:canary-bot/sendMessage"
    assert (body["chat_id"], body["message_thread_id"]) == ("-100", 7)
    assert body["text"].startswith("[home] <b>*title*</b>\n\nthe text\n")
    assert "parse_mode" not in body


def test_a_long_message_is_cut_to_what_the_api_takes(receiver: Receiver) -> None:
    telegram = {"botToken": {"env": "BOT"}, "chatId": "1", "apiUrl": receiver.url}
    attempt(channel(telegram=telegram), message(*[event(title="x" * 100)] * 50), SECRETS)
    text = json.loads(receiver.received[0].body)["text"]
    assert 3900 < len(text) <= 4096
    assert text.splitlines()[-1].startswith("… and ")
    attempt(channel(telegram=telegram), message(replace(event(), text="😀" * 5000)), SECRETS)
    text = json.loads(receiver.received[1].body)["text"]
    assert 4000 < len(text.encode("utf-16-le")) / 2 <= 4096


def test_its_refusals_never_show_the_token(receiver: Receiver) -> None:
    """An unknown chat is for good; a flood is not, and the answer says how long to wait."""
    spec = channel(telegram={"botToken": {"env": "BOT"}, "chatId": "1", "apiUrl": receiver.url})
    flood = json.dumps({"ok": False, "parameters": {"retry_after": 31}}).encode()
    receiver.script.extend([Answer(400, body=b'{"description": "canary"}'), Answer(429, body=flood)])
    with pytest.raises(TerminalError, match="Telegram refuses: HTTP 400") as refused:
        attempt(spec, message(), SECRETS)
    with pytest.raises(TransientError) as busy:
        attempt(spec, message(), SECRETS)
    assert busy.value.retry_after is not None
    assert busy.value.retry_after.total_seconds() == 31
    assert "canary" not in f"{refused.value}{busy.value}"
