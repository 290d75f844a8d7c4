"""A ban bites at a plain Caddy: real CrowdSec, real Caddy, and the front process between them."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from argos_gitops.app.bouncers import bouncers_of, message_of
from argos_gitops.app.discovery import kind_registry, provider_specs
from argos_gitops.app.front import Front
from argos_gitops.app.log import Log
from argos_gitops.app.settings import load_settings
from argos_gitops.model.resource import AnyResource
from argos_gitops.ports.provider import Target
from argos_gitops.secrets.local import LocalSecrets
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.ports import free_port
from tests.fakes import resource
from tests.providers.caddy.world import World, host
from tests.secrets.vaults import empty_vault


class Guarded:
    """An edge with one Host behind a bouncer, and the front that its Caddy asks."""

    def __init__(
        self, folder: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, bouncer: dict[str, Any]
    ) -> None:
        self.caddy, self.crowdsec = caddy, crowdsec
        self.port = free_port()
        self._secrets = LocalSecrets({"KEY": crowdsec.bouncer_key}, empty_vault())
        self.front = self._front(folder)
        self._edge = self._edge_with(bouncer)
        world = World(self._edge, folder / "cache")
        world.apply(host("app", bouncer=True), host("free"))
        world.provider.close()

    def _front(self, folder: Path) -> Front:
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        settings = load_settings(
            {"listen": f"127.0.0.1:{self.port}", "state_dir": str(folder)}, environment, folder
        )
        return Front(settings, environment, lambda why: None, Log())

    def _edge_with(self, bouncer: dict[str, Any]) -> AnyResource:
        asking = {"mode": "forward-auth", "key": {"env": "KEY"}, "pollInterval": "200ms", "timeout": "5s"}
        crowdsec = {
            "lapiUrl": self.crowdsec.lapi_url,
            "machine": {"id": "argos", "password": {"env": "UNUSED"}},
            "bouncer": {**asking, "agentUrl": f"http://127.0.0.1:{self.port}", **bouncer},
        }
        listen = [f"http://127.0.0.1:{self.caddy.http_port}", f"http://[::1]:{self.caddy.http_port}"]
        caddy = {"adminUrl": self.caddy.admin_url, "listen": listen, "trustedProxies": ["127.0.0.1/32"]}
        spec = kind_registry().kinds["Edge"].model_validate({"caddy": caddy, "crowdsec": crowdsec})
        return resource("Edge", "main", spec)

    def start(self) -> None:
        self.front.start()
        found = bouncers_of([Target(self._edge)], provider_specs(), self._secrets)
        self.front.configure({"bouncers": message_of(found)})

    def status(self, address: str, name: str = "app") -> int:
        """What a visitor gets who comes through a proxy that is trusted."""
        headers = {"Host": f"{name}.example.com", "X-Forwarded-For": address}
        url = f"http://127.0.0.1:{self.caddy.http_port}/"
        return httpx.get(url, headers=headers, trust_env=False, timeout=30).status_code

    def until(self, address: str, status: int) -> None:
        deadline = time.monotonic() + 30
        while (found := self.status(address)) != status:
            assert time.monotonic() < deadline, f"{address} still gets {found}"
            time.sleep(0.05)


Make = Callable[..., Guarded]


@pytest.fixture
def guarded(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec) -> Iterator[Make]:
    made: list[Guarded] = []

    def make(**bouncer: Any) -> Guarded:
        made.append(Guarded(tmp_path, caddy, crowdsec, bouncer))
        return made[-1]

    yield make
    for each in made:
        if each.front.pid is not None:
            each.front.stop(5)


def test_bans_bite_and_are_lifted(guarded: Make) -> None:
    """Addresses and ranges of both families; another Host of the same edge asks nobody."""
    edge = guarded()
    edge.start()
    edge.until("203.0.113.7", 200)
    cscli = edge.crowdsec.cscli
    cscli("decisions", "add", "--ip", "203.0.113.7")
    cscli("decisions", "add", "--range", "198.51.100.0/24")
    cscli("decisions", "add", "--range", "2001:db8:7::/48")
    for address in ("203.0.113.7", "198.51.100.200", "2001:db8:7::1"):
        edge.until(address, 403)
        assert edge.status(address, "free") == 200
    assert edge.status("203.0.113.8") == 200
    assert edge.status("2001:db8:8::1") == 200
    cscli("decisions", "delete", "--ip", "203.0.113.7")
    cscli("decisions", "delete", "--range", "2001:db8:7::/48")
    edge.until("203.0.113.7", 200)
    edge.until("2001:db8:7::1", 200)
    assert edge.status("198.51.100.200") == 403


def test_a_visitor_cannot_say_who_it_is(guarded: Make) -> None:
    """Over IPv6 no proxy is trusted: the address is that of the connection, whatever a header says."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    edge = guarded()
    edge.start()
    edge.crowdsec.cscli("decisions", "add", "--ip", "::1")
    edge.until("::1", 403)
    url = f"http://[::1]:{edge.caddy.http_port}/?client=203.0.113.8"
    headers = {"Host": "app.example.com", "X-Forwarded-For": "203.0.113.8"}
    assert httpx.get(url, headers=headers, trust_env=False, timeout=30).status_code == 403


@pytest.mark.parametrize(("fail_mode", "unknown"), [("open", 200), ("closed", 503)])
def test_while_lapi_is_away_known_bans_stay(guarded: Make, fail_mode: str, unknown: int) -> None:
    edge = guarded(failMode=fail_mode, awayAfter="1s")
    edge.start()
    edge.crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    edge.until("203.0.113.7", 403)
    edge.until("203.0.113.8", 200)
    edge.crowdsec.kill()
    edge.until("203.0.113.8", unknown)
    assert edge.status("203.0.113.7") == 403
    edge.crowdsec.start()
    edge.until("203.0.113.8", 200)


@pytest.mark.parametrize(("fail_mode", "meanwhile"), [("open", 200), ("closed", 503)])
def test_while_the_agent_is_away_the_mode_decides(guarded: Make, fail_mode: str, meanwhile: int) -> None:
    """Before it has ever run, and after it has ended."""
    edge = guarded(failMode=fail_mode)
    assert edge.status("203.0.113.7") == meanwhile
    edge.crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    edge.start()
    edge.until("203.0.113.7", 403)
    edge.until("203.0.113.8", 200)
    edge.front.stop(5)
    edge.until("203.0.113.7", meanwhile)
    assert edge.status("203.0.113.8") == meanwhile


def test_no_ban_is_passed_by_while_a_verdict_process_is_killed(guarded: Make) -> None:
    """Another one answers what was on its way: an agent of which a part is started again is not away."""
    edge = guarded(failMode="open")
    edge.start()
    edge.crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    edge.until("203.0.113.7", 403)
    found = []
    with ThreadPoolExecutor(8) as visitors:
        for name in ("verdicts-0", "verdicts-1") * 2:
            asked = [visitors.submit(edge.status, "203.0.113.7") for _ in range(40)]
            killed = edge.front.pids()[name]
            os.kill(killed, signal.SIGKILL)
            found += [each.result() for each in asked]
            while edge.front.pids().get(name) in (None, killed):
                time.sleep(0.05)
    assert set(found) == {403}


def test_bans_hold_again_once_a_verdict_process_that_hung_is_replaced(guarded: Make) -> None:
    """Nobody is asked to do anything. Until then a flood may have more questions at the one that hangs than
    Caddy may miss, so that an `open` edge opens for seconds."""
    edge = guarded(failMode="open", timeout="20s")
    edge.start()
    edge.crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    edge.until("203.0.113.7", 403)
    over = threading.Event()

    def visit() -> set[int]:
        """Quickly, so that Caddy needs many connections to the agent."""
        headers = {"Host": "app.example.com", "X-Forwarded-For": "203.0.113.7"}
        url, statuses = f"http://127.0.0.1:{edge.caddy.http_port}/", set()
        with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
            while not over.is_set():
                statuses.add(client.get(url).status_code)
        return statuses

    with ThreadPoolExecutor(16) as visitors:
        asked = [visitors.submit(visit) for _ in range(16)]
        try:
            for name in ("verdicts-0", "verdicts-1"):
                hung = edge.front.pids()[name]
                os.kill(hung, signal.SIGSTOP)
                while edge.front.pids().get(name) in (None, hung):
                    time.sleep(0.05)
                edge.until("203.0.113.7", 403)
        finally:
            over.set()
        found = set[int]().union(*(each.result() for each in asked))
    assert 403 in found
    edge.until("203.0.113.7", 403)
    assert [edge.status("203.0.113.7") for _ in range(20)] == [403] * 20
