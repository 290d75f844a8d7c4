"""The machine's own addresses: asked for over HTTP, kept over restarts, and never believed blindly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from argos_gitops.app.own_addresses import KEPT, OwnAddresses
from argos_gitops.model.errors import TransientError

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
OPERATOR = "203.0.113.9"


class Clock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


@contextmanager
def service(answer: bytes, status: int = 200) -> Iterator[str]:
    """A service on loopback that says the same to everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server calls it so
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def public(addresses: OwnAddresses) -> list[str]:
    return [str(seen.address) for seen in addresses.public()]


def test_what_the_service_says_is_kept_over_a_restart(tmp_path: Path) -> None:
    """Here only IPv4 is answered, which is enough."""
    path = tmp_path / "state" / "address.json"
    with service(f"{OPERATOR}\n".encode()) as url:
        OwnAddresses(url, path, Clock()).look()
    again = OwnAddresses(url, path, Clock())
    assert public(again) == [OPERATOR]
    assert ip_network(OPERATOR) in again.networks()


def test_an_outage_changes_nothing_for_a_week_and_is_told(tmp_path: Path) -> None:
    clock = Clock()
    with service(OPERATOR.encode()) as url:
        addresses = OwnAddresses(url, tmp_path / "address.json", clock)
        addresses.look()
    clock.time += KEPT - timedelta(seconds=1)
    with pytest.raises(TransientError, match=f"{OPERATOR} is kept as this machine's public address") as told:
        addresses.look()
    assert told.value.reason == "PublicAddressUnknown"
    assert public(addresses) == [OPERATOR]
    clock.time += timedelta(seconds=1)
    assert public(addresses) == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>203.0.113.9</html>", 200),
        (b"203.0.113.9 " * 100_000, 200),
        (b"203.0.113.9", 503),
        (b"203.0.113.9", 302),
        (b"0.0.0.0", 200),
        (b"127.0.0.1", 200),
        (b"", 200),
    ],
)
def test_what_is_no_address_of_ours_is_not_believed(tmp_path: Path, answer: bytes, status: int) -> None:
    with service(answer, status) as url:
        addresses = OwnAddresses(url, tmp_path / "address.json", Clock())
        with pytest.raises(TransientError, match="none is known"):
            addresses.look()
    assert public(addresses) == []


def test_nobody_is_asked_when_it_is_off(tmp_path: Path) -> None:
    addresses = OwnAddresses(None, tmp_path / "address.json", Clock())
    addresses.look()
    assert public(addresses) == []
    assert not (tmp_path / "address.json").exists()


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "address.json"
    for content in ("", "[]", "{", '{"4": 1}', '{"x": {"address": "1", "seenAt": "2"}}'):
        path.write_text(content)
        assert public(OwnAddresses("http://127.0.0.1:9/", path, Clock())) == []


def test_loopback_is_none_of_our_addresses(tmp_path: Path) -> None:
    """A hazard of its own already, and no news to anybody."""
    networks = OwnAddresses(None, tmp_path / "address.json", Clock()).networks()
    assert not any(network.is_loopback for network in networks)
