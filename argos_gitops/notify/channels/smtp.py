"""Mail (RFC 5321), over a connection that is protected as the channel says."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import idna

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.event import Severity
from argos_gitops.model.notification import SmtpChannel
from argos_gitops.notify.message import Message
from argos_gitops.ports.secrets import Secrets

TIMEOUT_SECONDS = 15.0
"""For connecting, and for each wait for a reply."""

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def send(spec: SmtpChannel, message: Message, secrets: Secrets) -> str:
    password = secrets.resolve(spec.password).reveal() if spec.password is not None else None
    with _told_apart(spec.host), _connected(spec) as connection:
        if spec.security == "starttls":
            connection.starttls(context=_trust(spec))
        if spec.username is not None and password is not None:
            connection.login(spec.username, password)
        refused = connection.send_message(_mail(spec, message))
    return f"{spec.host} refused {', '.join(sorted(refused))}" if refused else ""


def _connected(spec: SmtpChannel) -> smtplib.SMTP:
    port = spec.port or _PORTS[spec.security]
    if spec.security == "tls":
        return smtplib.SMTP_SSL(spec.host, port, timeout=TIMEOUT_SECONDS, context=_trust(spec))
    return smtplib.SMTP(spec.host, port, timeout=TIMEOUT_SECONDS)


def _trust(spec: SmtpChannel) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=spec.ca_file)


def _mail(spec: SmtpChannel, message: Message) -> EmailMessage:
    """The Message-ID is that of the message, so that one that comes twice can be told."""
    mail = EmailMessage()
    mail["Subject"] = message.title
    sender = _mailbox(spec.sender)
    mail["From"] = sender
    mail["To"] = [_mailbox(each) for each in spec.to]
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.severity is Severity.ERROR:
        mail["X-Priority"] = "1"
    mail.set_content(f"{message.text}\n")
    return mail


def _mailbox(text: str) -> Address:
    """`NAME <ADDRESS>` or an address, its domain as DNS has it: servers need not know others (RFC 5890)."""
    name, bracket, address = text.rpartition("<")
    local, _, domain = (address.removesuffix(">") if bracket else text).rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise TerminalError(f"{domain!r} is no domain that mail can go to", reason="ChannelRefused") from None
    return Address(name.strip(), local, ascii_domain)


@contextmanager
def _told_apart(host: str) -> Iterator[None]:
    """What the server answers may repeat what it was sent, so that only its code is told."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise TerminalError(
            f"{host} refuses the login: SMTP {error.smtp_code}", reason="ChannelRefused"
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        raise _answered(host, "every recipient", min(codes)) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(host, "the message", error.smtp_code) from None
    except smtplib.SMTPNotSupportedError:
        message = f"{host} does not offer what the channel asks for (starttls, logging in, or SMTPUTF8)"
        raise TerminalError(message, reason="ChannelRefused") from None
    except ssl.SSLCertVerificationError as error:
        message = f"{host} has a certificate that is not trusted: {error.verify_message}"
        raise TerminalError(message, reason="ChannelRefused") from None
    except (smtplib.SMTPException, OSError) as error:
        message = f"{host} does not answer ({type(error).__name__})"
        raise TransientError(message, reason="ChannelUnreachable") from None


def _answered(host: str, what: str, code: int) -> TransientError | TerminalError:
    """Codes from 500 on are for good (RFC 5321, 4.2.1)."""
    message = f"{host} refuses {what}: SMTP {code}"
    if 400 <= code < 500:
        return TransientError(message, reason="ChannelBusy")
    return TerminalError(message, reason="ChannelRefused")
