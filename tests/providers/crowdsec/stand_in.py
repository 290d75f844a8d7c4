"""A LAPI on loopback that behaves as CrowdSec 1.7.8 was measured to, and lies where a test makes it.

Facts: CrowdSec 1.7.8, run. A decision ends at the `stop_at` of its alert plus its duration. Each
`cscli allowlists add` expires every decision that equals, lies in, or contains an entry of any list.
"""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_BOUNCERS = frozenset({"/v1/decisions/stream", "/v1/usage-metrics"})
_PARTS = (("h", 3600), ("m", 60), ("s", 1))


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """An answer. With `raw` the bytes go to the socket as they are; `drip` sends the body byte by byte."""

    status: int = 200
    content: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    endless: bool = False

    def bytes(self) -> bytes:
        return self.body if self.body is not None else json.dumps(self.content).encode()


Answer = Callable[[Asked], Reply]


@dataclass
class Machine:
    password: str
    validated: bool = True


class StandInLapi:
    """Use it as a context manager. `skew` moves its clock; `lies` replaces answers by method and path."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.machines = {"argos": Machine("secret")}
        self.keys = {"bouncer-key"}
        self.alerts: list[dict[str, Any]] = []
        self.allowlists: list[dict[str, Any]] | None = []
        self.heartbeats: list[str] = []
        self.usage: list[Any] = []
        self.asked: list[Asked] = []
        self.lies: dict[tuple[str, str], Answer] = {}
        self.skew = timedelta()
        self.tokens: dict[str, str] = {}
        self.lock = threading.RLock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        host = "localhost" if self._scheme == "https" else "127.0.0.1"
        return f"{self._scheme}://{host}:{self._server.server_port}"

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def count(self, method: str, path: str) -> int:
        with self.lock:
            return sum((each.method, each.path) == (method, path) for each in self.asked)

    def standing(self) -> list[dict[str, Any]]:
        """The decisions that are in force."""
        with self.lock:
            rows = [row for alert in self.alerts for row in alert["decisions"]]
            return [row for row in rows if row["until"] > self.now()]

    def values(self) -> list[str]:
        return sorted({str(row["value"]) for row in self.standing()})

    def allow(self, name: str, *values: str, expiration: str = "0001-01-01T00:00:00.000Z") -> None:
        """`cscli allowlists add NAME VALUE…`, with what that does to decisions."""
        items = [{"value": value, "description": "", "expiration": expiration} for value in values]
        with self.lock:
            assert self.allowlists is not None
            known = next((each for each in self.allowlists if each["name"] == name), None)
            if known is None:
                self.allowlists.append({"name": name, "description": "", "items": items})
            else:
                known["items"].extend(items)
            entries = [ip_network(item["value"]) for each in self.allowlists for item in each["items"]]
            for row in self.standing():
                network = ip_network(row["value"], strict=False)
                if any(each.version == network.version and each.overlaps(network) for each in entries):
                    row["until"] = self.now()

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            lie = self.lies.get((asked.method, asked.path))
            if lie is not None:
                return lie(asked)
            if asked.path == "/v1/watchers/login":
                return self._login(json.loads(asked.body))
            if asked.path in _BOUNCERS and asked.headers.get("X-Api-Key") not in self.keys:
                return Reply(403, {"message": "access forbidden"})
            token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            if asked.path not in _BOUNCERS and token not in self.tokens:
                return Reply(401, {"message": "cookie token is empty"})
            return self._known(asked, token)

    def _login(self, given: Mapping[str, Any]) -> Reply:
        machine = self.machines.get(given["machine_id"])
        if machine is None:
            return Reply(401, {"code": 401, "message": "ent: machine not found"})
        if not machine.validated:
            return Reply(401, {"code": 401, "message": f"machine {given['machine_id']} not validated"})
        if machine.password != given["password"]:
            return Reply(401, {"code": 401, "message": "incorrect Username or Password"})
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = given["machine_id"]
        expire = (self.now() + timedelta(hours=1)).isoformat()
        return Reply(content={"code": 200, "expire": expire, "token": token})

    def _known(self, asked: Asked, token: str) -> Reply:
        match asked.method, asked.path:
            case "GET", "/v1/heartbeat":
                self.heartbeats.append(self.tokens[token])
                return Reply(body=b"")
            case "POST", "/v1/usage-metrics":
                self.usage.append(json.loads(asked.body))
                return Reply(201, body=b"")
            case "GET", "/v1/allowlists" if self.allowlists is not None:
                return Reply(content=self.allowlists)
            case "GET", "/v1/alerts":
                return Reply(content=self._told(asked.query))
            case "POST", "/v1/alerts":
                return Reply(201, [str(self._add(each)) for each in json.loads(asked.body)])
            case "DELETE", "/v1/decisions":
                return Reply(content={"nbDeleted": str(self._end(asked.query))})
            case "GET", "/v1/decisions/stream":
                return Reply(content={"new": [self._row(each) for each in self.standing()], "deleted": None})
        return Reply(404, body=b"404 page not found")

    def _add(self, alert: dict[str, Any]) -> int:
        number = len(self.alerts) + 1
        begin = datetime.fromisoformat(alert["stop_at"])
        for index, row in enumerate(alert["decisions"]):
            row |= {"id": number * 100_000 + index, "until": begin + _span(row["duration"])}
        self.alerts.append({**alert, "id": number, "created_at": self.now(), "machine_id": "argos"})
        return number

    def _end(self, query: Mapping[str, str]) -> int:
        names = {"scopes": "scope"}
        wanted = {names.get(name, name): value for name, value in query.items()}
        found = [
            row for row in self.standing() if all(row.get(name) == value for name, value in wanted.items())
        ]
        for row in found:
            row["until"] = self.now()
        return len(found)

    def _told(self, query: Mapping[str, str]) -> list[dict[str, Any]] | None:
        told = []
        for alert in self.alerts:
            source = alert["source"]
            active = any(row["until"] > self.now() for row in alert["decisions"])
            meant = source["scope"] == query.get("scope") and query.get("value") in (None, source["value"])
            if meant and (active or "has_active_decision" not in query):
                rows = [self._row(row) for row in alert["decisions"]]
                told.append({**alert, "created_at": alert["created_at"].isoformat(), "decisions": rows})
        return told or None

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        left = (row["until"] - self.now()).total_seconds()
        return {**{key: value for key, value in row.items() if key != "until"}, "duration": go(left)}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        body = reply.bytes()
        handler.send_response_only(reply.status)
        handler.send_header("Date", format_datetime(self.now(), usegmt=True))
        handler.send_header("Content-Type", "application/json")
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if not reply.endless:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if reply.endless:
            while not self._over.is_set():
                handler.wfile.write(body)
        elif reply.drip:
            for at in range(len(body)):
                if self._over.wait(reply.drip):
                    return
                handler.wfile.write(body[at : at + 1])
                handler.wfile.flush()
        else:
            handler.wfile.write(body)


def go(seconds: float) -> str:
    """A span as Go prints it."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 1:
        return f"{sign}{left * 1000:.6f}ms"
    hours, rest = divmod(left, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{sign}{int(hours)}h{int(minutes)}m{rest:.6f}s"


def _span(duration: str) -> timedelta:
    """Of the form that we write: `1h2m3s`."""
    seconds, rest = 0, duration
    for unit, size in _PARTS:
        count, found, after = rest.partition(unit)
        if found:
            seconds, rest = seconds + int(count) * size, after
    return timedelta(seconds=seconds)


def _handler(lapi: StandInLapi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet for each answer: two would wait for each other

        def _any(self) -> None:
            split = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(
                self.command, split.path, dict(parse_qsl(split.query)), dict(self.headers.items()), body
            )
            asked.headers = {"X-Api-Key": self.headers.get("X-Api-Key", ""), **dict(self.headers.items())}
            reply = lapi.answer(asked)
            if reply.endless:
                self.close_connection = True
            try:
                lapi.send(self, reply)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = do_HEAD = _any  # noqa: N815 # http.server chooses the names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent: what came is in `asked`."""

    return Handler
