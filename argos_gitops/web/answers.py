"""What every answer looks like: JSON, and an error that says what is wrong and nothing about us."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_REASONS = {404: "NotFound", 405: "MethodNotAllowed", 500: "InternalError"}
_MESSAGES = {404: "there is nothing here", 500: "an error of our own; the log has it under this request id"}


class JsonAnswer(Response):
    """A JSON document, ended by a newline for people with curl."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


class RefusalError(Exception):
    """A request that is not served: `status`, a stable CamelCase `reason`, and a sentence for people.

    `details` are further sentences, one for each thing that is wrong.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.headers = headers
        self.details = details


async def answer_refusal(request: Request, error: RefusalError) -> Response:
    answer: dict[str, Any] = {"error": error.reason, "message": str(error)}
    if error.details:
        answer["details"] = list(error.details)
    return JsonAnswer(answer, error.status, error.headers)


async def answer_http_error(request: Request, error: HTTPException) -> Response:
    """What the routing refuses by itself: 404, 405."""
    reason = _REASONS.get(error.status_code, "Refused")
    return _error(error.status_code, reason, _MESSAGES.get(error.status_code, error.detail), error.headers)


async def answer_crash(request: Request, error: Exception) -> Response:
    """The traceback goes to the log, never to whoever asked."""
    return _error(500, _REASONS[500], _MESSAGES[500], None)


def _error(status: int, reason: str, message: str, headers: Mapping[str, str] | None) -> Response:
    return JsonAnswer({"error": reason, "message": message}, status, headers)
