"""Where the front listens."""

import socket
from pathlib import Path

import pytest

from argos_gitops.app.listening import open_listener
from argos_gitops.model.errors import SettingsError


@pytest.mark.parametrize(
    ("listen", "begins"), [("127.0.0.1:0", "127.0.0.1:"), ("[::1]:0", "[::1]:"), ("localhost:0", "")]
)
def test_an_address(listen: str, begins: str) -> None:
    """The address that it gives is one that can be connected to."""
    if "::" in listen and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    listener = open_listener(listen)
    try:
        assert listener.address.startswith(begins)
        host, _, port = listener.address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port))).close()
    finally:
        listener.close()


@pytest.mark.parametrize("listen", ["8780", ":", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "a:-1"])
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(SettingsError, match="expected HOST:PORT"):
        open_listener(listen)


@pytest.mark.parametrize("listen", ["192.0.2.1:0", "unix:/no/such/folder/x.sock"])
def test_where_one_cannot_listen(listen: str) -> None:
    """The setting is named, and what was asked for."""
    with pytest.raises(SettingsError, match=r"ARGOS_LISTEN is .*cannot listen there"):
        open_listener(listen)


def test_a_socket_that_a_killed_agent_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "front.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    open_listener(f"unix:{path}").close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    """A slip in the setting must not cost somebody a file."""
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(SettingsError):
        open_listener(f"unix:{path}")
    assert path.read_text() == "mine"
