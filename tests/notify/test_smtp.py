"""Mail through a real SMTP server: protected, logged in, and refused in every way."""

from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.errors import ArgosError, TerminalError, TransientError
from argos_gitops.notify.attempt import attempt
from tests.components.mail import NAME, PASSWORD, MailServer
from tests.notify.world import Environment, channel, event, message

# The server warns of logins without STARTTLS, also where the whole connection is TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

SECRETS = Environment({"MAIL_PASSWORD": PASSWORD, "WRONG": "canary-wrong"})


def spec(server: MailServer, **changes: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "caFile": str(server.certificate),
        "username": NAME,
        "password": {"env": "MAIL_PASSWORD"},
        "from": "argos@example.com",
        "to": ["ops@example.com", "boss@example.com"],
        **changes,
    }


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_is_sent_over_tls_after_a_login(tmp_path: Path, security: str) -> None:
    with MailServer(tmp_path, security=security) as server:
        told = message(event(title="line\nbreak and ünïcode", subject="Host/a"))
        assert attempt(channel(smtp=spec(server, security=security)), told, SECRETS) == ""
    (mail,) = server.mails
    assert (server.secured, server.recipients) == ([True], [["ops@example.com", "boss@example.com"]])
    assert (mail["Subject"], mail["From"]) == ("[home] line\\nbreak and ünïcode", "argos@example.com")
    assert (mail["Message-ID"], mail["X-Priority"]) == (f"<{told.id}@example.com>", "1")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == told.text.splitlines()


def test_a_mail_without_protection_only_where_it_is_asked_for(tmp_path: Path) -> None:
    with MailServer(tmp_path, security="none") as server:
        plain = spec(server, security="none", username=None, password=None, caFile=None)
        assert attempt(channel(smtp=plain), message(), SECRETS) == ""
        with pytest.raises(TerminalError, match="does not offer what the channel asks for"):
            attempt(channel(smtp={**plain, "security": "starttls"}), message(), SECRETS)
    assert (len(server.mails), server.secured) == (1, [False])


def failure(server: MailServer, **changes: Any) -> ArgosError:
    with pytest.raises(ArgosError) as error:
        attempt(channel(smtp=spec(server, **changes)), message(), SECRETS)
    assert "canary" not in str(error.value)
    assert server.mails == []
    return error.value


def test_what_a_person_must_mend_is_not_tried_again(tmp_path: Path) -> None:
    """A certificate that nobody trusts, a wrong password, recipients that nobody has."""
    with MailServer(tmp_path) as server:
        assert "certificate that is not trusted" in str(failure(server, caFile=None))
        assert str(failure(server, password={"env": "WRONG"})).endswith("refuses the login: SMTP 535")
        refused = failure(server, to=["nobody@example.com"])
    assert isinstance(refused, TerminalError)
    assert str(refused) == "127.0.0.1 refuses every recipient: SMTP 550"


def test_a_recipient_that_is_refused_does_not_keep_the_mail_from_others(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        partly = attempt(
            channel(smtp=spec(server, to=["nobody@example.com", "ops@example.com"])), message(), SECRETS
        )
    assert partly == "127.0.0.1 refused nobody@example.com"
    assert server.recipients == [["ops@example.com"]]


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        pass
    gone = failure(server)
    assert isinstance(gone, TransientError)
    assert gone.reason == "ChannelUnreachable"


def test_names_and_international_domains(tmp_path: Path) -> None:
    """A name before an address, with what needs quotes in it; a domain goes as DNS has it (IDNA 2008)."""
    with MailServer(tmp_path) as server:
        to = ["Öps, the team <ops@example.com>", "boss@faß.example"]
        given = spec(server, to=to, **{"from": "Argos (edge) <argos@bücher.example>"})
        assert attempt(channel(smtp=given), message(), SECRETS) == ""
    (mail,) = server.mails
    assert server.recipients == [["ops@example.com", "boss@xn--fa-hia.example"]]
    assert mail["From"].addresses[0].display_name == "Argos (edge)"
    assert mail["From"].addresses[0].addr_spec == "argos@xn--bcher-kva.example"
    assert [each.display_name for each in mail["To"].addresses] == ["Öps, the team", ""]
    assert mail["Message-ID"].endswith("@xn--bcher-kva.example>")


@pytest.mark.parametrize(
    "wrong", ["argos", "<argos>", "a <b@c> d", "a@b <c@d>", "x\r\nBcc: e@f <a@b>", "a@b, c@d", '"x" <a@b>']
)
def test_what_is_no_mailbox_is_refused(tmp_path: Path, wrong: str) -> None:
    with MailServer(tmp_path) as server, pytest.raises(ValueError, match="from"):
        channel(smtp=spec(server, **{"from": wrong}))
