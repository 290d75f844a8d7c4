"""A stand-in of a Caddy with CrowdSec's bouncer module, and of the LAPI that it asks.

It behaves as caddy-crowdsec-bouncer v0.12.1 did with CrowdSec 1.7.8: a load empties what the module knows, it
learns again only from a LAPI that answers and knows its key, and a load that meets a pull (one that hangs, or
a load of a moment ago) is the last thing that the admin API does.
"""

import json
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from tests.components.liar import Liar, http

PULL_SECONDS = 0.5
"""How long a pull of everything takes: whoever loads within it meets it."""


class Lapi:
    """Answers while it is `up`; holds what it bans and whether it knows the module's key."""

    def __init__(self) -> None:
        self.up, self.hanging, self.key_known = True, False, True
        self.banned: set[str] = set()
        self._going = threading.Event()
        self._liar = Liar(self._answer)
        self.url = self._liar.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._going.set()
        self._liar.__exit__(*error)

    @property
    def serves(self) -> bool:
        return self.up and not self.hanging

    def _answer(self, request: bytes) -> Iterable[bytes]:
        if self.hanging:
            self._going.wait()
        return [http(b'{"status":"ok"}')] if self.serves else []


class ModuleCaddy:
    """Its admin API. `loads` are the configurations that it was given; `dead` once a load met a pull."""

    def __init__(self, lapi: Lapi) -> None:
        self.lapi = lapi
        self.config: Any = None
        self.loads: list[Any] = []
        self.known: set[str] = set()
        self.dead = False
        self.loaded_at = -1e9
        self._going = threading.Event()
        self._lock = threading.Lock()
        self._liar = Liar(self._answer)
        self.url = self._liar.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._going.set()
        self._liar.__exit__(kind, error, trace)

    @property
    def has_module(self) -> bool:
        return "crowdsec" in ((self.config or {}).get("apps") or {})

    def pull(self) -> None:
        """What the module does each 15 s."""
        if self.lapi.serves and self.lapi.key_known:
            self.known = set(self.lapi.banned)

    def _answer(self, request: bytes) -> Iterable[bytes]:
        head, _, body = request.partition(b"\r\n\r\n")
        method, path = head.split(b" ")[:2]
        with self._lock:
            answer = None if self.dead else self._dispatch(method.decode(), path.decode(), body)
        if answer is None:
            self._going.wait()
            return []
        return [answer]

    def _dispatch(self, method: str, path: str, body: bytes) -> bytes | None:
        if path == "/config/" and method == "GET":
            tag = f'Etag: "/config/ {len(self.loads)}"'
            return http(json.dumps(self.config).encode(), headers=[tag])
        if method == "POST" and path.startswith("/crowdsec/"):
            return self._module(path.removeprefix("/crowdsec/"), json.loads(body))
        if method in ("POST", "PATCH"):
            return self._load(json.loads(body))
        return http(b"[]")

    def _load(self, config: Any) -> bytes | None:
        meets_a_pull = self.lapi.hanging or time.monotonic() - self.loaded_at < PULL_SECONDS
        if self.has_module and meets_a_pull:
            self.dead = True
            return None
        self.config = config
        self.loads.append(config)
        self.known, self.loaded_at = set(), time.monotonic()
        self.pull()
        return http(b"")

    def _module(self, what: str, asked: Any) -> bytes:
        if not self.has_module:
            return http(b'{"error":"not configured"}', "500 Internal Server Error")
        if what == "ping":
            return http(json.dumps({"Ok": self.lapi.serves and self.lapi.key_known}).encode())
        if what == "info":
            return http(json.dumps({"Uptime": int((time.monotonic() - self.loaded_at) * 1e9)}).encode())
        known = self.lapi.banned if asked["ForceLive"] and self.lapi.key_known else self.known
        return http(json.dumps({"Blocked": asked["IP"] in known, "Reason": ""}).encode())
