"""The engine's answers as values, and its failures as errors of ours.

Facts: the Docker Engine API v1.41 (Engine 20.10) to v1.51, whose errors are `{"message": …}`; Podman adds
`cause` and `response`.
"""

import ssl
from typing import Any

import httpx
import orjson

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.masking import masked_text

NOT_FOUND, CONFLICT, IN_USE = "NotFound", "Conflict", "InUse"

_MOST_CHARACTERS = 400
_PASSING = frozenset({408, 425, 429, 502, 503, 504})
_SERVER_ERROR = 500
_REASONS = {404: NOT_FOUND, 409: CONFLICT, 403: IN_USE}


def parsed_answer(answer: httpx.Response, engine: str) -> Any:
    """The JSON of an answer; raises TerminalError when it is none."""
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise not_docker(engine, "no JSON") from None


def error_of(answer: httpx.Response, engine: str) -> ProviderError:
    """What a failed answer means: try again, or change something. Reason NotFound for what is not there."""
    message = message_of(answer)
    place = f"{engine}: {answer.request.method} {answer.request.url.path}: HTTP {answer.status_code}"
    if answer.is_redirect or (answer.status_code == httpx.codes.NOT_FOUND and not message):
        return not_docker(engine, f"HTTP {answer.status_code}")
    if answer.status_code in _PASSING:
        return TransientError(f"{place} {message}", reason="Unavailable")
    if answer.status_code >= _SERVER_ERROR:
        return TransientError(f"{place} {message}", reason="EngineFailed")
    return TerminalError(f"{place} {message}", reason=_REASONS.get(answer.status_code))


def message_of(answer: httpx.Response) -> str:
    """What the engine said, without what looks like a secret; empty when it said nothing."""
    try:
        content = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    return masked_text(message)[:_MOST_CHARACTERS] if isinstance(message, str) else ""


def unreachable(engine: str, error: httpx.TransportError, hint: str) -> ProviderError:
    """A connection that could not be made, or broke; with the system's own word for it."""
    causes = _causes(error)
    if any(isinstance(cause, PermissionError) for cause in causes):
        return TerminalError(
            f"{engine} may not be opened by the agent's account; add it to the group `docker`, or name "
            "another socket in docker.connection",
            reason="PermissionDenied",
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return TerminalError(
            f"{engine}: the TLS connection was refused ({masked_text(str(error))[:200]}); check "
            "docker.connection.tcp.tls and the engine's --tlscacert",
            reason="TlsRefused",
        )
    kind = next((each.strerror for each in causes if isinstance(each, OSError) and each.strerror), None)
    kind = kind or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"{engine} does not answer in time ({kind}); {hint}", reason="Timeout")
    return TransientError(f"{engine} does not answer ({kind}); {hint}")


def not_docker(engine: str, found: str) -> TerminalError:
    return TerminalError(
        f"{engine} answers {found}, which is not how a Docker engine answers; check docker.connection",
        reason="NotDocker",
    )


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found
