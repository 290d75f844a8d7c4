"""`/auth/forward`: who passes, who does not, and what is counted."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette

from argos_gitops.model.verdict import Remedy, Verdict
from argos_gitops.ports.health import Subsystem
from argos_gitops.web.answers import RefusalError, answer_refusal
from argos_gitops.web.forward_auth import ForwardAuth, VerdictMetrics

VERDICTS = {
    "203.0.113.1": Verdict(Remedy.ALLOW),
    "203.0.113.2": Verdict(Remedy.BAN, "cscli", "203.0.113.0/24"),
    "2001:db8::3": Verdict(Remedy.CAPTCHA, "CAPI", "2001:db8::3"),
    "203.0.113.4": Verdict(Remedy.ALLOW, certain=False),
    "203.0.113.5": Verdict(Remedy.BAN, certain=False),
}


class Fixed:
    """A bouncer with a few verdicts."""

    decisions = 2

    def verdict(self, address: str) -> Verdict:
        if address not in VERDICTS:
            raise ValueError("no address")
        return VERDICTS[address]

    def health(self) -> Subsystem:
        return Subsystem("", "ok")


class Several:
    heard_everything = True

    def __init__(self, *names: str) -> None:
        self._open: Mapping[str, Fixed] = {name: Fixed() for name in names}

    def of_edge(self, name: str) -> Fixed | None:
        return self._open.get(name)

    def only(self) -> tuple[str, Fixed] | None:
        return next(iter(self._open.items())) if len(self._open) == 1 else None

    def all(self) -> Mapping[str, Fixed]:
        return self._open


class Asked:
    """A site with that one endpoint."""

    def __init__(self, *edges: str) -> None:
        self.registry = CollectorRegistry()
        self.bouncers = Several(*edges)
        self.metrics = VerdictMetrics(self.registry)
        routes = ForwardAuth(self.bouncers, self.metrics).routes()
        handlers: dict[Any, Any] = {RefusalError: answer_refusal}
        self._site = Starlette(routes=routes, exception_handlers=handlers)

    def status(self, query: str, path: str = "/auth/forward/main") -> int:
        async def ask() -> int:
            transport = httpx.ASGITransport(self._site)
            async with httpx.AsyncClient(transport=transport, base_url="http://agent.example") as client:
                return (await client.get(f"{path}?{query}")).status_code

        return asyncio.run(ask())

    @property
    def page(self) -> str:
        self.metrics.stand(self.bouncers)
        return generate_latest(self.registry).decode()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("203.0.113.1", 204),
        ("203.0.113.2", 403),
        ("2001:db8::3", 403),
        ("203.0.113.4", 204),
        ("203.0.113.5", 503),
    ],
)
def test_each_verdict_has_its_status(address: str, status: int) -> None:
    """A captcha is refused as a ban is; what nobody can tell is 503 where the edge fails closed."""
    assert Asked("main").status(f"client={address}") == status


def test_the_address_of_the_connection_stands_in_for_one_that_is_none() -> None:
    """Caddy before 2.7 writes `<nil>` for a variable that it does not know."""
    assert Asked("main").status("client=%3Cnil%3E&remote=203.0.113.2") == 403


@pytest.mark.parametrize("query", ["", "client=", "client=somebody", "x=" + "1&x=" * 50])
def test_without_an_address_nobody_passes(query: str) -> None:
    assert Asked("main").status(query) == 400


def test_an_edge_that_asks_nobody_is_not_found() -> None:
    """The name may be left out where there is one edge alone."""
    assert Asked("main").status("client=203.0.113.1", "/auth/forward/other") == 404
    assert Asked("main").status("client=203.0.113.2", "/auth/forward") == 403
    assert Asked("main", "other").status("client=203.0.113.2", "/auth/forward") == 404
    assert Asked().status("client=203.0.113.2", "/auth/forward") == 404


def test_requests_are_counted_by_verdict() -> None:
    asked = Asked("main")
    for address in (*VERDICTS, "203.0.113.2"):
        asked.status(f"client={address}")
    for line in (
        'argos_forward_auth_requests_total{edge="main",verdict="ban"} 2.0',
        'argos_forward_auth_requests_total{edge="main",verdict="captcha"} 1.0',
        'argos_forward_auth_requests_total{edge="main",verdict="unknown-allowed"} 1.0',
        'argos_forward_auth_requests_total{edge="main",verdict="unknown-refused"} 1.0',
        'argos_bouncer_decisions{edge="main"} 2.0',
    ):
        assert line in asked.page


def test_before_it_is_known_which_edges_there_are_nobody_can_tell() -> None:
    """Neither 404, which names a mistake in Caddy, nor a verdict out of nothing."""
    asked = Asked()
    asked.bouncers.heard_everything = False
    for path in ("/auth/forward", "/auth/forward/main", "/auth/forward/other"):
        assert asked.status("client=203.0.113.2", path) == 503
    assert "argos_forward_auth_requests_total{" not in asked.page
