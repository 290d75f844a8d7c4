"""Messages keep to what each kind of receiver takes, and say what is missing."""

import json
from dataclasses import replace
from typing import Any

import pytest

from argos_gitops.notify.channels.receivers import Receiver, body_for, receiver_of
from argos_gitops.notify.channels.webhook import send
from argos_gitops.notify.message import Message, fitting, utf8
from tests.components.receiver import Receiver as Server
from tests.notify.world import Environment, channel, event, message

DISCORD = "https://discord.com/api/webhooks/1/x"
SLACK = "https://hooks.slack.com/services/T/B/x"
TEAMS = "https://prod-1.westeurope.logic.azure.com/workflows/x"
NTFY = "https://ntfy.sh"


def failing(count: int = 25) -> Message:
    """As of so many Hosts that fail, in one message of more than 4,000 characters."""
    found = message(
        *[replace(event(subject=f"Host/{n}", title="é" * 60), text="t" * 80) for n in range(count)]
    )
    assert len(found.text) > 4000
    return found


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in children for text in strings(each)]


SECTION = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*$title*\n$text"}}]}


@pytest.mark.parametrize(
    ("url", "body", "longest"),
    [
        (DISCORD, {"content": "**$title**\n$text"}, 2000),
        (DISCORD, {"embeds": [{"title": "$title", "description": "$text"}]}, 4096),
        (DISCORD, {"embeds": [{"fields": [{"name": "x", "value": "$text"}]}]}, 1024),
        (DISCORD + "/slack", {"text": "$text"}, 2000),
        (SLACK, SECTION, 3000),
        (SLACK, {"text": "$text"}, 40_000),
        (NTFY, {"topic": "x", "message": "$text"}, 4096),
    ],
)
def test_no_string_is_longer_than_its_receiver_takes(url: str, body: dict[str, Any], longest: int) -> None:
    told = failing(90)
    receiver = receiver_of(url)
    sent = json.loads(body_for(receiver, body, told))
    measured = max(receiver.size(each) for each in strings(sent))
    assert 0.8 * min(longest, receiver.size(told.text)) < measured <= longest
    assert ("more" in "".join(strings(sent))) == (longest < receiver.size(told.text))


def test_all_strings_of_embeds_keep_to_their_sum() -> None:
    body = {"embeds": [{"description": "$text"}, {"description": "$text"}]}
    sent = json.loads(body_for(receiver_of(DISCORD), body, failing(90)))
    assert 4000 < sum(map(len, strings(sent))) <= 6000


def test_a_body_keeps_to_the_whole_that_teams_takes() -> None:
    card = {
        "type": "message",
        "attachments": [{"content": {"body": [{"type": "TextBlock", "text": "$text"}]}}],
    }
    sent = body_for(receiver_of(TEAMS), card, failing(200))
    assert 9000 < len(sent) <= 14_000
    assert "more" in json.loads(sent)["attachments"][0]["content"]["body"][0]["text"]


def test_what_nobody_knows_gets_everything_and_what_is_too_long_anyway_is_sent() -> None:
    told = failing(90)
    assert json.loads(body_for(receiver_of("https://example.com/x"), {"a": "$text"}, told))["a"] == told.text
    assert (
        receiver_of("https://evil-discord.com/x")
        == receiver_of("https://discord.com.example.org")
        == Receiver()
    )
    assert b"z" * 20_000 in body_for(receiver_of(TEAMS), {"a": "z" * 20_000, "b": "$text"}, told)


def test_a_channel_may_say_how_much_it_takes(receiver: Server) -> None:
    for extra in ({}, {"body": {"a": "$text"}}):
        spec = channel(webhook={"url": receiver.url, "maxText": 1000, **extra}).webhook
        assert spec is not None
        send(spec, failing(), Environment({}))
    for received in receiver.received:
        body = json.loads(received.body)
        text = body["a"] if "a" in body else body["text"]
        assert 700 < len(text) <= 1000
        assert text.splitlines()[-1].startswith("… and ")


@pytest.mark.parametrize("size", [len, utf8])
@pytest.mark.parametrize("text", ["", "one", "a\nb\nc\nd", "é" * 50, "a\n\nb\n" + "x" * 30, "\n" * 40])
def test_a_text_fits_any_room_and_counts_what_is_left_out(text: str, size: Any) -> None:
    for limit in range(80):
        short = fitting(text, limit, size)
        assert size(short) <= limit or not short
        assert short == text or size(text) > limit
    assert (
        fitting("\n".join(f"line {n:02}" for n in range(20)), 40)
        == "line 00\nline 01\nline 02\n… and 17 more"
    )


def test_a_message_is_bounded_for_everybody() -> None:
    found = message(*[replace(event(), text="t" * 900)] * 40)
    assert 19_000 < len(found.text) <= 20_000
    assert found.text.splitlines()[-1].startswith("… and ")
