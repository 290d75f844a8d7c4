"""What every request and every answer gets, whatever it is about."""

import re
from secrets import token_hex

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from argos_gitops.web.headers import SECURITY_HEADERS
from argos_gitops.web.log import request_id

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Courtesy:
    """Names each request (X-Request-ID, ours or that of a proxy) and adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _ACCEPTABLE.fullmatch(given) else token_hex(8)
        request_id.set(name)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = name
                for header, value in SECURITY_HEADERS.items():
                    headers.setdefault(header, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
