"""Reading a request's body, of which nobody knows beforehand how long it is or when it ends."""

from starlette.requests import ClientDisconnect, Request

from argos_gitops.web.answers import RefusalError

LARGEST_BODY = 1024 * 1024
_ALL_TOGETHER = 32 * LARGEST_BODY


class BodyReader:
    """Reads bodies of at most `largest` bytes, and holds `all_together` bytes of unread ones at most."""

    def __init__(self, largest: int = LARGEST_BODY, all_together: int = _ALL_TOGETHER) -> None:
        self._largest = largest
        self._all_together = all_together
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """The body. Refuses with 413 as soon as it is too large, announced or not; 503 when all are."""
        if _announced(request) > self._largest:
            raise self._too_large()
        body = bytearray()
        try:
            async for chunk in request.stream():
                self._held += len(chunk)
                body += chunk
                self._check(len(body))
        except ClientDisconnect:
            raise RefusalError(400, "Incomplete", "the body ended before it was complete") from None
        finally:
            self._held -= len(body)
        return bytes(body)

    def _check(self, size: int) -> None:
        if size > self._largest:
            raise self._too_large()
        if self._held > self._all_together:
            message = "too many large requests at once; try again"
            raise RefusalError(503, "Busy", message, {"Retry-After": "5"})

    def _too_large(self) -> RefusalError:
        """The rest is let run away for a while: a connection that is cut while it sends learns nothing."""
        return RefusalError(413, "TooLarge", f"a body may have {self._largest} bytes at most")


def _announced(request: Request) -> int:
    """What Content-Length says; 0 when it says nothing that one could go by."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
