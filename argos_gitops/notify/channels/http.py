"""One HTTP request to a receiver, and what its answer means."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from argos_gitops import __version__
from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.urls import ENCODED, is_cut
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds

TIMEOUT_SECONDS = 10.0
"""For connecting, and for each wait for bytes."""

_BOUNDS = Bounds(64 * 1024)
_LONGEST_RETRY_AFTER = timedelta(hours=6)
_BUSY = (408, 425, 429)


def _no_word(answer: bytes) -> object:
    return None


def post(
    who: str, url: str, content: bytes, headers: httpx.Headers, patience: Callable[[bytes], object] = _no_word
) -> None:
    """Returns once the receiver has accepted. `who` is what people call it; its URL is never told.

    `patience` finds in an answer after how many seconds to come back, for those that say so there.
    """
    check_url(who, url)
    headers["User-Agent"] = f"argos-gitops/{__version__}"
    try:
        with (
            BoundedClient(_BOUNDS, timeout=TIMEOUT_SECONDS, trust_env=url.startswith("https:")) as client,
            client.stream("POST", url, content=content, headers=headers, follow_redirects=False) as answer,
        ):
            _judge(who, answer, patience)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
        message = f"{who} cannot be asked with this URL and these headers; look at its secrets"
        raise TerminalError(message, reason="ChannelRefused") from None
    except httpx.HTTPError as error:
        message = f"{who} does not answer ({type(error).__name__})"
        raise TransientError(message, reason="ChannelUnreachable") from None  # its words may hold the URL


def check_url(who: str, url: str) -> None:
    """Raises TerminalError (reason ChannelRefused) where a password would be taken for a path."""
    if is_cut(url):
        raise TerminalError(f"{who} cannot be asked with its URL: {ENCODED}", reason="ChannelRefused")


def _judge(who: str, answer: httpx.Response, patience: Callable[[bytes], object]) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    named = answer.headers.get("Retry-After", "")
    if status in _BUSY or (status >= 500 and named):
        pause = _retry_after(named) or _seconds(patience(_body(answer)))
        message = f"{who} asks for patience: HTTP {status}"
        raise TransientError(message, reason="ChannelBusy", retry_after=pause)
    if status >= 500:
        raise TransientError(f"{who} fails: HTTP {status}", reason="ChannelFailing")
    hint = "; name the address that it leads to" if answer.is_redirect else ""
    raise TerminalError(f"{who} refuses: HTTP {status}{hint}", reason="ChannelRefused")


def _body(answer: httpx.Response) -> bytes:
    """What is longer than anybody needs is not read."""
    try:
        return answer.read()
    except AnswerTooLargeError:
        return b""


def _retry_after(value: str) -> timedelta | None:
    """Seconds, or a date (RFC 9110, 10.2.3); None for anything else."""
    if value.isascii() and value.isdigit():
        return _seconds(int(value[:9]))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(aware - datetime.now(UTC), timedelta(0)), _LONGEST_RETRY_AFTER)


def _seconds(value: object) -> timedelta | None:
    if not isinstance(value, int) or value <= 0:
        return None
    return min(timedelta(seconds=value), _LONGEST_RETRY_AFTER)
