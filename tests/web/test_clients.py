"""Whom a request is counted for, and who is on this machine."""

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from argos_gitops.web.clients import client_address, is_local, parse_networks


def _connection(peer: str | None, **headers: str) -> HTTPConnection:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    client = (peer, 1234) if peer else None
    return HTTPConnection({"type": "http", "client": client, "headers": named})


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("172.18.0.3", "192.0.2.1, 198.51.100.1", "172.18.0.3"),
        ("10.1.2.3", "198.51.100.1", "10.1.2.3"),
        ("fd00::3", "198.51.100.1", "fd00::/64"),
        (None, "198.51.100.1", "198.51.100.1"),
        (None, None, "local"),
        (None, "nonsense", "local"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
        ("::1", "2001:db8::7", "2001:db8::/64"),
        ("not an address", None, "local"),
    ],
)
def test_a_request_is_counted_for(peer: str | None, forwarded: str | None, counted: str) -> None:
    """Its sender; only a proxy on this machine is believed about others, and only its own last word."""
    headers = {"x_forwarded_for": forwarded} if forwarded is not None else {}
    assert client_address(_connection(peer, **headers)) == counted


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", None])
def test_this_machine(peer: str | None) -> None:
    assert is_local(_connection(peer, host="127.0.0.1:8780"))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_what_a_proxy_passes_on_is_not_from_this_machine(header: str) -> None:
    """Caddy beside us connects over loopback too."""
    assert not is_local(_connection("127.0.0.1", **{"host": "127.0.0.1", header: "127.0.0.1"}))


@pytest.mark.parametrize("host", ["localhost:8780", "127.0.0.1:8780", "[::1]:8780", "127.0.0.1"])
def test_this_machine_by_its_address(host: str) -> None:
    assert is_local(_connection("127.0.0.1", host=host))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8780", "", "[", "a@b:c", "localhost.evil.example"]
)
def test_a_name_that_was_made_to_mean_this_machine(host: str) -> None:
    """A browser on this machine connects from it, but names whom it believes to ask."""
    assert not is_local(_connection("127.0.0.1", host=host))


@pytest.mark.parametrize("peer", ["10.0.0.1", "172.18.0.3", "203.0.113.7", "2001:db8::1"])
def test_the_network_is_not_this_machine(peer: str) -> None:
    assert not is_local(_connection(peer, host="127.0.0.1:8780"))


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("172.18.0.3", "198.51.100.1"),
        ("::ffff:172.18.0.3", "198.51.100.1"),
        ("172.18.1.3", "172.18.1.3"),
        ("127.0.0.1", "127.0.0.1"),
        (None, "198.51.100.1"),
    ],
)
def test_a_proxy_that_is_trusted_by_a_setting(peer: str | None, counted: str) -> None:
    application = Starlette()
    application.state.trusted_proxies = parse_networks("172.18.0.0/24, 2001:db8::1")
    connection = _connection(peer, x_forwarded_for="192.0.2.1, 198.51.100.1")
    connection.scope["app"] = application
    assert client_address(connection) == counted
