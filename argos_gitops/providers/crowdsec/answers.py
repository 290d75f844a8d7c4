"""LAPI's answers as values, and its failures as errors of ours.

LAPI answers 500 to requests that are wrong (a schema failure, an unknown filter, an unknown id) as well as
to failures of its own, so the message decides which of the two it is.
"""

import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.secret import MASK
from argos_gitops.outbound import AnswerTooLargeError, AnswerTooSlowError, Bounds

BUSY = "Busy"
MEBIBYTE = 1024**2
ANY_ANSWER = Bounds(1024 * MEBIBYTE)
"""What no answer of LAPI exceeds; each request has bounds of its own below it."""

_MOST_CHARACTERS = 300
_LARGEST = 2**63
_OUR_FAULT = re.compile(r"validation failure|invalid|doesn't exist|is unknown|parse|unable to convert", re.I)
_BUSY = re.compile(r"database is locked|database table is locked|busy|deadlock|serialize access", re.I)
_PASSING = frozenset({408, 425, 429, 502, 503, 504})
_SERVER_ERROR = 500


def parsed_answer(answer: httpx.Response, url: str, expected: type = object) -> Any:
    """The JSON of an answer; `null` is None. TerminalError when it is none, or not what was expected."""
    try:
        content = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise _not_lapi(url, "no JSON") from None
    if content is not None and not isinstance(content, expected):
        raise _not_lapi(url, f"JSON of another kind ({type(content).__name__})")
    return content


@contextmanager
def as_lapi_tells(url: str) -> Iterator[None]:
    """Whatever an answer holds instead of what LAPI tells: TerminalError (NotLapi)."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _not_lapi(url, f"JSON of another shape ({type(error).__name__}: {_short(error)})") from None


def text(value: object) -> str:
    """A string; TypeError when it is none.

    JSON can name half a character (`\\ud800`), which nothing can write again: it becomes `?`.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a string, found {type(value).__name__}")
    return value if value.isascii() else value.encode(errors="replace").decode()


def number(value: object) -> int:
    """A number that counts something or names a row; TypeError or ValueError when it is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a number, found {type(value).__name__}")
    if not 0 <= value < _LARGEST:
        raise ValueError(f"expected a number from 0 on, found {value}")
    return value


def moment(value: object) -> datetime:
    """A time with its zone; TypeError, ValueError or OverflowError when it is none."""
    found = datetime.fromisoformat(text(value))
    if found.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {value!r}")
    return found.astimezone(UTC)


def error_of(answer: httpx.Response, url: str, secrets: Iterable[str]) -> ProviderError:
    """What a failed answer means: try again, or change something."""
    message = _scrubbed(_message_of(answer), secrets)
    place = f"{answer.request.method} {url}{answer.request.url.path}: HTTP {answer.status_code}"
    if answer.status_code in _PASSING:
        return TransientError(f"{place} {message}", reason="Unavailable")
    if answer.status_code >= _SERVER_ERROR and _BUSY.search(message):
        return TransientError(f"{place} {message}", reason=BUSY)
    if answer.status_code >= _SERVER_ERROR and not _OUR_FAULT.search(message):
        return TransientError(f"{place} {message}", reason="LapiFailed")
    if b"HTTP request to an HTTPS server" in answer.content:
        return _not_lapi(url, "that it wants TLS: begin lapiUrl with https://")
    if answer.is_redirect or (answer.status_code == httpx.codes.NOT_FOUND and not message):
        return _not_lapi(url, f"HTTP {answer.status_code}")
    return TerminalError(f"{place} {message}")


def login_refused(answer: httpx.Response, url: str, machine: str, secrets: Iterable[str]) -> TerminalError:
    """LAPI tells why in its message alone; each cause has another cure. Facts: CrowdSec 1.7.8, run."""
    words = _scrubbed(_message_of(answer), secrets)
    again = f"`cscli machines add {machine} --password … --force`"
    if "not validated" in words:
        cure, reason = f"`cscli machines validate {machine}`", "MachineNotValidated"
    elif "not found" in words:
        cure = f"make it with {again}; `cscli machines prune` deletes machines that sent no heartbeat"
        reason = "MachineUnknown"
    else:
        cure = f"check crowdsec.machine.password, or set it anew with {again}"
        reason = "LoginRefused"
    said = f": {words}" if words else f" (HTTP {answer.status_code})"
    return TerminalError(f"{url} refuses the machine {machine!r}{said}; {cure}", reason=reason)


def key_refused(answer: httpx.Response, url: str, secrets: Iterable[str]) -> TerminalError:
    """The same for a bouncer's key."""
    words = _scrubbed(_message_of(answer), secrets) or f"HTTP {answer.status_code}"
    return TerminalError(
        f"{url} refuses the bouncer's key: {words}; compare it with `cscli bouncers list`, or make one "
        "with `cscli bouncers add`",
        reason="KeyRefused",
    )


def failed(url: str, error: httpx.HTTPError | httpx.InvalidURL) -> ProviderError:
    """What became of a request that has no answer, or none that was read to its end."""
    if isinstance(error, AnswerTooLargeError):
        return TerminalError(
            f"{url.rstrip('/')} answers with {error}, which LAPI does not; check lapiUrl",
            reason="AnswerTooLarge",
        )
    if isinstance(error, AnswerTooSlowError):
        return TransientError(
            f"{url.rstrip('/')} was {error}; is CrowdSec overloaded?", reason="AnswerTooSlow"
        )
    if isinstance(error, httpx.TransportError):
        return _unreachable(url, error)
    return TerminalError(f"{url}: {type(error).__name__}; check lapiUrl")


def _unreachable(url: str, error: httpx.TransportError) -> ProviderError:
    """A connection that broke after it was made may have been an old one; the others are dead ends."""
    refused = _tls_refused(url, error)
    if refused is not None:
        return refused
    lost = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
    kind = "ConnectionLost" if lost else "Unreachable"
    return TransientError(
        f"LAPI at {url} does not answer ({_words(error)}); is CrowdSec running there?", reason=kind
    )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _tls_refused(url: str, error: BaseException) -> TerminalError | None:
    """What went wrong between the two certificates; None when it was something else."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLError):
        found = found.__cause__ or found.__context__
    if found is None:
        return None
    words = found.reason or type(found).__name__
    if isinstance(found, ssl.SSLCertVerificationError):
        return TerminalError(
            f"the certificate of LAPI at {url} is not trusted: {found.verify_message}; name the authority "
            "that issued it in crowdsec.tls.ca, or the host that it is for in lapiUrl",
            reason="CertificateUntrusted",
        )
    if "CERTIFICATE" in words.upper() or "UNKNOWN_CA" in words.upper():
        return TerminalError(
            f"LAPI at {url} refuses the connection: {words.lower().replace('_', ' ')}; it wants a client "
            "certificate of an authority that it knows (`api.server.tls.ca_cert_path`): set "
            "crowdsec.tls.cert and crowdsec.tls.key",
            reason="ClientCertificateRefused",
        )
    if "WRONG_VERSION_NUMBER" in words or "HTTP_REQUEST" in words:
        return TerminalError(
            f"{url} does not speak TLS; begin lapiUrl with http:// if LAPI has no certificate",
            reason="NotLapi",
        )
    return None


def _not_lapi(url: str, found: str) -> TerminalError:
    return TerminalError(
        f"{url} answers {found}, which is not how CrowdSec's LAPI answers; check lapiUrl", reason="NotLapi"
    )


def _short(error: Exception) -> str:
    """What Python says of a value. Tokens, the one secret that LAPI tells, are never quoted by it."""
    return str(error)[:100]


def _message_of(answer: httpx.Response) -> str:
    try:
        content = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    return message if isinstance(message, str) else ""


def _scrubbed(message: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        message = message.replace(secret, MASK) if secret else message
    return message[:_MOST_CHARACTERS]
