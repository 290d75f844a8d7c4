"""Webhooks as a receiver sees them."""

import base64
import hashlib
import hmac
import json

import pytest
from pydantic import ValidationError

from argos_gitops.model.errors import SettingsError, TerminalError, TransientError
from argos_gitops.notify.attempt import attempt
from tests.components.receiver import Answer, Receiver
from tests.notify.world import Environment, channel, event, message

KEY = b"thirty-two bytes of signing key!"
SECRETS = Environment(
    {
        "SIGNING": "whsec_" + base64.b64encode(KEY).decode(),
        "TOKEN": "Bearer canary-9b1e",
        "RAW": "plain words",
    }
)


def test_the_body_holds_all_that_is_known(receiver: Receiver) -> None:
    """A program needs to parse no text: names, severities, subjects and facts stand apart."""
    told = message(event("PassBlocked", "Edge/main", digest="7d41c0"), event("DriftDetected", "Host/wiki"))
    assert attempt(channel(webhook={"url": f"{receiver.url}/in"}), told, SECRETS) == ""
    (received,) = receiver.received
    body = json.loads(received.body)
    assert (received.path, received.headers["Content-Type"]) == ("/in", "application/json")
    assert (body["id"], body["instance"], body["severity"]) == (told.id, "home", "warning")
    assert [(each["name"], each["subject"]) for each in body["events"]] == [
        ("PassBlocked", "Edge/main"),
        ("DriftDetected", "Host/wiki"),
    ]
    assert body["events"][0]["facts"] == {"digest": "7d41c0"}
    assert body["events"][0]["at"] == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(("name", "key"), [("SIGNING", KEY), ("RAW", b"plain words")])
def test_the_signature_proves_id_time_and_body(receiver: Receiver, name: str, key: bytes) -> None:
    """As the Standard Webhooks specification has it, worked out here from its words alone."""
    spec = channel(webhook={"url": receiver.url, "signingSecret": {"env": name}})
    attempt(spec, message(), SECRETS)
    (received,) = receiver.received
    stamp = received.headers["webhook-timestamp"]
    signed = b".".join([received.headers["webhook-id"].encode(), stamp.encode(), received.body])
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert received.headers["webhook-signature"] == f"v1,{expected}"
    assert received.headers["webhook-id"] == message().id
    assert stamp.isdigit()


def test_headers_and_url_may_be_secrets(receiver: Receiver) -> None:
    """Also the one whose name we set ourselves, whatever its case."""
    secrets = Environment({"URL": f"{receiver.url}/canary-path", **SECRETS.values})
    headers = {"Authorization": {"env": "TOKEN"}, "content-type": "application/cloudevents+json"}
    attempt(channel(webhook={"url": {"env": "URL"}, "headers": headers}), message(), secrets)
    (received,) = receiver.received
    assert received.path == "/canary-path"
    assert received.headers["Authorization"] == "Bearer canary-9b1e"
    assert received.headers.get_all("Content-Type") == ["application/cloudevents+json"]


def test_a_body_of_ones_own_is_filled_whatever_stands_in_the_words(receiver: Receiver) -> None:
    """Quotes and line breaks cannot break out of the JSON, and a dollar sign is no placeholder."""
    body = {"text": "$title\n$text", "deep": [{"n": 3, "price": "$$5"}], "level": "$severity"}
    told = message(event(title='a "quote" and ${text}'))
    attempt(channel(webhook={"url": receiver.url, "body": body}), told, SECRETS)
    sent = json.loads(receiver.received[0].body)
    assert sent["text"].startswith('[home] a "quote" and ${text}\nthe text\n')
    assert (sent["deep"], sent["level"]) == ([{"n": 3, "price": "$5"}], "error")


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Answer(400), TerminalError, "ChannelRefused"),
        (Answer(404), TerminalError, "ChannelRefused"),
        (Answer(408), TransientError, "ChannelBusy"),
        (Answer(429), TransientError, "ChannelBusy"),
        (Answer(500), TransientError, "ChannelFailing"),
        (Answer(503, {"Retry-After": "7"}), TransientError, "ChannelBusy"),
    ],
    ids=lambda value: getattr(value, "status", None),
)
def test_answers_are_told_apart(
    receiver: Receiver, answer: Answer, kind: type[Exception], reason: str
) -> None:
    """What trying again may mend, and what only a person can; what was answered is never repeated."""
    receiver.script.append(Answer(answer.status, answer.headers, b"canary-answer"))
    with pytest.raises(kind, match=str(answer.status)) as error:
        attempt(channel(webhook={"url": receiver.url}), message(), SECRETS)
    assert getattr(error.value, "reason", "") == reason
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("999999999999", 6 * 3600), ("Thu, 01 Jan 2099 00:00:00 GMT", 6 * 3600), ("soon", None)],
)
def test_how_long_to_wait_is_up_to_the_receiver(receiver: Receiver, value: str, seconds: int | None) -> None:
    """In seconds or as a date; but nobody makes us wait for longer than six hours."""
    receiver.script.append(Answer(429, {"Retry-After": value}))
    with pytest.raises(TransientError) as error:
        attempt(channel(webhook={"url": receiver.url}), message(), SECRETS)
    asked = error.value.retry_after
    assert (asked.total_seconds() if asked else None) == seconds


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """It might lead the secrets of the headers elsewhere."""
    with Receiver() as elsewhere:
        receiver.script.append(Answer(307, {"Location": elsewhere.url}))
        with pytest.raises(TerminalError, match="307; name the address that it leads to"):
            attempt(channel(webhook={"url": receiver.url}), message(), SECRETS)
        assert elsewhere.received == []


def test_what_cannot_be_sent_is_refused_without_its_words(receiver: Receiver) -> None:
    """No URL, no HTTP, a header with a line break: a person must look, and sees no secret."""
    for name, value in {"URL": "not a canary-url", "OTHER": "ftp://canary.example.com"}.items():
        secrets = Environment({name: value})
        with pytest.raises(TerminalError) as error:
            attempt(channel(webhook={"url": {"env": name}}), message(), secrets)
        assert "canary" not in str(error.value)
    secrets = Environment({"TOKEN": "canary\nbroken"})
    spec = channel(webhook={"url": receiver.url, "headers": {"X-Key": {"env": "TOKEN"}}})
    with pytest.raises(TerminalError) as error:
        attempt(spec, message(), secrets)
    assert "canary" not in str(error.value)


def test_a_password_with_a_raw_slash_is_sent_nowhere(receiver: Receiver) -> None:
    """Its beginning would be the port of a host, and its end a path there."""
    here = receiver.url.removesuffix("/")
    for url in (f"{here}/canary@hooks.example.com/x", "https://bot:12/canary@hooks.example.com/x"):
        with pytest.raises(TerminalError, match="%2F") as error:
            attempt(channel(webhook={"url": {"env": "URL"}}), message(), Environment({"URL": url}))
        assert "canary" not in str(error.value)
        with pytest.raises(ValidationError):
            channel(webhook={"url": url})
    assert receiver.received == []


def test_nobody_there_and_no_secret_are_told() -> None:
    with pytest.raises(TransientError, match="does not answer"):
        attempt(channel(webhook={"url": "http://127.0.0.1:9/"}), message(), SECRETS)
    with pytest.raises(SettingsError, match="env GONE"):
        attempt(channel(webhook={"url": {"env": "GONE"}}), message(), SECRETS)
