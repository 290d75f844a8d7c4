"""A visitor, services that tell what reached them, and both as the answers of a real Traefik tell it."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.components.caddy import RealCaddy
from tests.components.upstream import LoopbackServer

Tree = dict[str, Any]

_OF_THE_PROGRAM = frozenset(
    {"accept-encoding", "connection", "te", "user-agent", "via", "x-forwarded-server", "cache-control"}
)
"""Headers that name or serve the program in between. X-Forwarded-Server is Traefik's own host name."""
_HANDSHAKES = 100
_TOLD = frozenset({"strict-transport-security", "www-authenticate", "x-frame-options", "x-mine"})


class EchoServer(LoopbackServer):
    """Answers with its name, the path as it stood in the request line, and the headers, as JSON."""

    def __init__(self, name: str) -> None:
        super().__init__(_echoing(name))


def _echoing(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.requestline.split(" ")[1]  # `self.path` has been cleaned
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = json.dumps({"up": name, "path": path, "request": headers}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    return Handler


def asked(
    caddy: RealCaddy, scheme: str, domain: str, method: str, path: str, headers: Mapping[str, str]
) -> Tree:
    """What a real Caddy does with a request whose path is sent as it is, in the form of the answers."""
    connection = _connection(caddy, scheme, domain)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", domain)
        for name, value in headers.items():
            connection.putheader(name, value)
        if method in ("POST", "PUT"):
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return _told(response, body)


def _connection(caddy: RealCaddy, scheme: str, domain: str) -> http.client.HTTPConnection:
    port = caddy.https_port if scheme == "https" else caddy.http_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    if scheme == "https":
        connection.sock = _secured(port, domain)
    return connection


def _secured(port: int, domain: str) -> ssl.SSLSocket:
    """Asks again for a while: Caddy answers a load before its own CA has made the certificates."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(_HANDSHAKES):
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        try:
            return context.wrap_socket(raw, server_hostname=domain)
        except ssl.SSLError:
            raw.close()
            time.sleep(0.05)
    raise AssertionError(f"no certificate for {domain}")


def _told(response: http.client.HTTPResponse, body: bytes) -> Tree:
    headers = {name.lower(): value for name, value in response.getheaders()}
    told = {
        name: value for name, value in headers.items() if name in _TOLD or name.startswith("access-control-")
    }
    found: Tree = {"status": response.status, "location": headers.get("location"), "response": told}
    try:
        reached = json.loads(body)
    except ValueError:
        return found
    request = {name: value for name, value in reached["request"].items() if name not in _OF_THE_PROGRAM}
    return {**found, "path": reached["path"], "up": reached["up"], "request": request}
