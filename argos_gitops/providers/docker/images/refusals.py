"""What it means that a registry does not give what was asked for."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import httpx
import orjson

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError

_CODE = re.compile(r"[A-Z][A-Z_]{1,40}")
_LONGEST_PAUSE = timedelta(hours=6)
_USUAL_PAUSE = timedelta(minutes=1)


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine, where nobody listens in."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refusal_of(answer: httpx.Response, registry: str, repository: str) -> ProviderError | None:
    """The error that an answer stands for; None where it is a good one."""
    code, what = answer.status_code, f"{registry}/{repository}"
    if answer.is_success:
        return None
    if code == httpx.codes.TOO_MANY_REQUESTS:
        pause = _pause(answer.headers.get("Retry-After", ""))
        message = f"{registry} had too many requests; it is asked again in {pause.total_seconds():.0f} s"
        return TransientError(message, reason="RateLimited", retry_after=pause)
    if code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return TransientError(f"{registry} failed with {code} when asked for {repository}")
    said = _said(answer)
    if code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        message = (
            f"{what}: {registry} does not let us see it{said}; check the name, and its entry in registries"
        )
        return TerminalError(message, reason="RegistryUnauthorized")
    if code == httpx.codes.NOT_FOUND:
        return TerminalError(f"{what}: not found{said}; check the name", reason="ImageNotFound")
    return TerminalError(f"{what}: refused with {code}{said}", reason="RegistryNotUnderstood")


def unreachable(registry: str, error: Exception) -> TransientError:
    """The words of the HTTP library may hold a URL, and with it a secret: only its kind is told."""
    return TransientError(f"{registry} does not answer ({type(error).__name__}); it is asked again next time")


def _said(answer: httpx.Response) -> str:
    """The registry's own error code: its words may hold whatever was sent."""
    try:
        found = orjson.loads(answer.content)["errors"][0]["code"]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return ""
    return f" ({found})" if isinstance(found, str) and _CODE.fullmatch(found) else ""


def _pause(value: str) -> timedelta:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), _LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return _USUAL_PAUSE
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(aware - datetime.now(UTC), timedelta()), _LONGEST_PAUSE)
