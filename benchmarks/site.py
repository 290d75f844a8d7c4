"""One estate with what it needs to run: two real Caddys, an upstream, and our own program."""

import http.client
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.estate import EdgeAddresses, Estate, domain_of
from benchmarks.program import Program
from tests.components.caddy import RealCaddy
from tests.components.lookup import find_program
from tests.components.upstream import Upstream

_POLL_SECONDS = 0.01
_SERVED_WITHIN_SECONDS = 120.0


@dataclass
class Site:
    """`ours` is the Caddy that argos-gitops keeps, `reference` the one that others load; both start empty.

    They are two, so that neither side ever finds, or has to undo, what the other one did.
    """

    folder: Path
    hosts: int
    _running: ExitStack = field(default_factory=ExitStack)
    _releases: "count[int]" = field(default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.upstream = self._running.enter_context(Upstream())
        self.ours = self._running.enter_context(RealCaddy(self.folder / "caddy-ours"))
        self.reference = self._running.enter_context(RealCaddy(self.folder / "caddy-reference"))
        self.estate.create()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def estate(self) -> Estate:
        return Estate(self.folder, self.hosts, self.addresses(self.ours))

    @cached_property
    def program(self) -> Program:
        return Program(self.folder / "argos")

    def addresses(self, caddy: RealCaddy) -> EdgeAddresses:
        return EdgeAddresses(caddy.admin_address, caddy.http_port, self.upstream.address)

    def next_change(self) -> tuple[int, str]:
        """Another Host and another release each time, so that no load finds its work done already."""
        turn = next(self._releases)
        return turn * 997 % self.hosts, f"release-{turn:05}"

    @property
    def pids(self) -> list[int]:
        """The processes of both Caddys."""
        return [caddy.pid for caddy in (self.ours, self.reference) if caddy.pid is not None]

    def converge(self) -> None:
        """Makes our Caddy equal to the repository, with cache and store warm."""
        self.program.run("apply", "--auto-approve", repo=self.estate.origin)

    def write_caddyfile(self, releases: Mapping[int, str] | None = None) -> Path:
        """The Caddyfile of the reference Caddy."""
        path = self.folder / "Caddyfile"
        path.write_text(self.estate.caddyfile(self.addresses(self.reference), dict(releases or {})))
        return path

    def caddy_command(self, *arguments: str) -> list[str]:
        return [str(find_program("caddy", "scripts/components caddy")), *arguments]


def await_release(caddy: RealCaddy, host: int, release: str) -> None:
    """Asks as a visitor would, until the Host shows the release; RuntimeError when it never does."""
    deadline = time.monotonic() + _SERVED_WITHIN_SECONDS
    while shown_release(caddy, host) != release:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{domain_of(host)} does not show {release}")
        time.sleep(_POLL_SECONDS)


def shown_release(caddy: RealCaddy, host: int) -> str | None:
    visitor = http.client.HTTPConnection("127.0.0.1", caddy.http_port, timeout=30)
    try:
        visitor.request("GET", "/", headers={"Host": domain_of(host)})
        return visitor.getresponse().getheader("X-Release")
    except (http.client.HTTPException, OSError):
        return None  # nothing listens there yet
    finally:
        visitor.close()


def post_load(caddy: RealCaddy, config: bytes) -> None:
    """A bare `POST /load`; RuntimeError when Caddy refuses."""
    admin = http.client.HTTPConnection(caddy.admin_address, timeout=120)
    admin.request("POST", "/load", body=config, headers={"Content-Type": "application/json"})
    answer = admin.getresponse()
    said = answer.read()
    admin.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"Caddy refused the load: {said[:500]!r}")


def read_config(caddy: RealCaddy) -> bytes:
    """A bare `GET /config/`."""
    admin = http.client.HTTPConnection(caddy.admin_address, timeout=120)
    admin.request("GET", "/config/")
    config = admin.getresponse().read()
    admin.close()
    return config


def moved_to(config: bytes, source: RealCaddy, target: RealCaddy) -> bytes:
    """The configuration of one Caddy as another one would have it: only its addresses differ."""
    return config.replace(source.admin_address.encode(), target.admin_address.encode()).replace(
        f'":{source.http_port}"'.encode(), f'":{target.http_port}"'.encode()
    )


def environment_of_caddy(caddy: RealCaddy) -> dict[str, str]:
    """For `caddy adapt` and `caddy reload`, so that they keep no file among the person's own."""
    return {**os.environ, "HOME": str(caddy.folder)}
