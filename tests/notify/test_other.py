"""What only Apprise speaks: its own JSON service stands for all of them."""

import json
import logging

import pytest

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.notify.attempt import attempt
from tests.components.receiver import Answer, Receiver
from tests.notify.world import Environment, channel, event, message

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own matter

SPEC = channel(apprise={"url": {"env": "URL"}})


def test_apprise_delivers(receiver: Receiver) -> None:
    secrets = Environment({"URL": f"{receiver.url.replace('http', 'json')}/path"})
    assert attempt(SPEC, message(event(title="hello")), secrets) == ""
    body = json.loads(receiver.received[0].body)
    assert (body["title"], body["type"]) == ("[home] hello", "failure")


def test_what_it_warns_of_is_not_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Its lines name the URL with all that is secret in it."""
    receiver.always = Answer(500, body=b"canary-answer")
    secrets = Environment({"URL": f"json://user:canary-password@{receiver.url.removeprefix('http://')}"})
    with caplog.at_level(logging.DEBUG, logger="apprise"), pytest.raises(TransientError) as error:
        attempt(SPEC, message(), secrets)
    assert "canary" not in caplog.text + str(error.value)


def test_a_url_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(TerminalError) as error:
        attempt(SPEC, message(), Environment({"URL": "nosuch://canary"}))
    assert "canary" not in str(error.value)
