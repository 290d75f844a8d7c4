"""A plain Caddy asks the agent before it serves, and does as it was told when there is no answer."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.condition import Condition
from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.forward_auth import ForwardAuth, read_forward_auth
from tests.components.caddy import RealCaddy
from tests.components.ports import free_port
from tests.providers.caddy.world import World, desired, edge_of, host, service

Make = Callable[[AnyResource], World]
HANGS = -1
_A_MOMENT = timedelta(milliseconds=50)


class Talker:
    """An HTTP server that answers `status` to everything, or hangs, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 204
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _talking(self))
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def _talking(talker: Talker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # http.server chooses the name
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            talker.asked.append((self.command, self.path, dict(self.headers.items()), body))
            if talker.status == HANGS:
                talker.over.wait(30)
                self.close_connection = True
                return
            self.send_response(talker.status)
            if talker.status not in (204, 304):
                self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    return Handler


@pytest.fixture
def talker() -> Iterator[Callable[[], Talker]]:
    made: list[Talker] = []

    def make() -> Talker:
        made.append(Talker())
        return made[-1]

    yield make
    for each in made:
        each.close()


_SHORT = "200ms"
"""For an agent that hangs."""


def asking(agent: str, fail_mode: str = "open", **bouncer: Any) -> dict[str, Any]:
    """By default an answer has the time that a busy machine takes."""
    given = {"mode": "forward-auth", "key": {"env": "KEY"}, "agentUrl": agent, "failMode": fail_mode}
    return {"bouncer": {**given, "timeout": "5s", **bouncer}}


def served(there: World, site: Talker) -> list[AnyResource]:
    hosts = [
        service("site", site.address),
        host("guarded", service="site", bouncer=True),
        host("open", service="site"),
    ]
    there.apply(*hosts)
    return hosts


def visit(caddy: RealCaddy, method: str = "GET", name: str = "guarded", **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{caddy.http_port}/some/page?q=1"
    content = b"x" * 300_000 if method == "POST" else None
    headers = {"Host": f"{name}.example.com", **headers}
    return httpx.request(method, url, content=content, headers=headers, trust_env=False, timeout=30)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize("ownership", ["whole", "routes"])
def test_whom_the_agent_lets_in_reaches_the_site_whole(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker], ownership: str, fail_mode: str, method: str
) -> None:
    """The agent gets the address and nothing else; the site gets the request, body and all."""
    agent, site = talker(), talker()
    crowdsec = asking(f"http://{agent.address}", fail_mode)
    served(world(edge_of(caddy, ownership=ownership, crowdsec=crowdsec)), site)
    spoofed = {"X-Forwarded-For": "198.51.100.9", "Cookie": "secret=1", "X-Large": "x" * 10_000}
    answer = visit(caddy, method, **spoofed)
    assert answer.status_code == 204
    [(asked_method, path, headers, body)] = agent.asked
    assert (asked_method, body) == ("GET", b"")
    assert path.startswith("/auth/forward/main?client=127.0.0.1&remote=127.0.0.1")
    assert not {"Cookie", "X-Forwarded-For", "X-Large"} & set(headers)
    [(method_there, path_there, headers_there, body_there)] = site.asked
    assert (method_there, path_there) == (method, "/some/page?q=1")
    assert headers_there["Cookie"] == "secret=1"
    assert len(body_there) == (300_000 if method == "POST" else 0)


def test_a_trusted_proxy_in_front_tells_the_visitor(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker]
) -> None:
    """And a visitor's own word to the left of it counts for nothing."""
    agent, site = talker(), talker()
    there = world(edge_of(caddy, trustedProxies=["127.0.0.1/32"], crowdsec=asking(f"http://{agent.address}")))
    served(there, site)
    for address in ("203.0.113.7", "2001:db8::7"):
        visit(caddy, **{"X-Forwarded-For": f"198.51.100.9, {address}"})
    asked = [httpx.QueryParams(path.partition("?")[2])["client"] for _, path, *_ in agent.asked]
    assert asked == ["203.0.113.7", "2001:db8::7"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_whom_the_agent_refuses_never_reaches_the_site(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker], fail_mode: str, method: str
) -> None:
    agent, site = talker(), talker()
    agent.status = 403
    served(world(edge_of(caddy, crowdsec=asking(f"http://{agent.address}", fail_mode))), site)
    assert visit(caddy, method).status_code == 403
    assert site.asked == []
    assert visit(caddy, method, "open").status_code == 204


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("trouble", ["away", HANGS, 500, 503, 404])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_without_an_answer_the_mode_decides(
    caddy: RealCaddy,
    world: Make,
    talker: Callable[[], Talker],
    fail_mode: str,
    trouble: int | str,
    method: str,
) -> None:
    """Nobody there, somebody who never answers, or one who cannot tell: the site gets all or nothing."""
    agent, site = talker(), talker()
    address = f"127.0.0.1:{free_port()}" if trouble == "away" else agent.address
    agent.status = int(trouble) if trouble != "away" else 204
    timeout = _SHORT if trouble == HANGS else "5s"
    served(world(edge_of(caddy, crowdsec=asking(f"http://{address}", fail_mode, timeout=timeout))), site)
    answer = visit(caddy, method)
    if fail_mode == "open":
        assert answer.status_code == 204
        assert [len(body) for *_, body in site.asked] == [300_000 if method == "POST" else 0]
    else:
        assert (answer.status_code, answer.headers["X-Argos-Bouncer"]) == (503, "unavailable")
        assert site.asked == []


@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_errors_of_the_site_stay_what_they_are(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker], fail_mode: str
) -> None:
    """The site is asked once, and its failure is no failure of the agent."""
    agent = talker()
    there = world(edge_of(caddy, crowdsec=asking(f"http://{agent.address}", fail_mode)))
    there.apply(service("down", f"127.0.0.1:{free_port()}"), host("guarded", service="down", bouncer=True))
    for method in ("GET", "POST"):
        answer = visit(caddy, method)
        assert answer.status_code == 502
        assert "X-Argos-Bouncer" not in answer.headers
    assert len(agent.asked) == 2


def test_an_agent_that_hangs_is_not_waited_for_each_time(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker]
) -> None:
    """After five failures Caddy passes over it, and asks again once it has recovered."""
    agent, site = talker(), talker()
    agent.status = HANGS
    served(world(edge_of(caddy, crowdsec=asking(f"http://{agent.address}", timeout=_SHORT))), site)

    def passed_over() -> bool:
        """Failures count when they come closely together, so many visit at once."""
        with ThreadPoolExecutor(8) as visitors:
            list(visitors.map(lambda _: visit(caddy), range(8)))
        before = len(agent.asked)
        visit(caddy)
        return len(agent.asked) == before

    deadline = time.monotonic() + 30
    while not passed_over():
        assert time.monotonic() < deadline
    agent.status = 403
    deadline = time.monotonic() + 30
    while visit(caddy).status_code != 403:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(("fail_mode", "meanwhile"), [("open", "let in"), ("closed", "refused")])
def test_a_host_whose_visitors_are_not_asked_about_is_not_ready(
    caddy: RealCaddy, world: Make, talker: Callable[[], Talker], fail_mode: str, meanwhile: str
) -> None:
    """Until the agent answers: then the next look finds it ready."""
    agent, site = talker(), talker()
    agent.status = HANGS
    there = world(edge_of(caddy, crowdsec=asking(f"http://{agent.address}", fail_mode, timeout=_SHORT)))
    hosts = served(there, site)
    there.provider.observe()

    def seen() -> dict[str, Condition]:
        return {each.subject.name: each for each in there.provider.verify(desired(there.edge, *hosts), ())}

    found = seen()
    assert {name: each.reason for name, each in found.items()} == {
        "guarded": "BouncerAway",
        "open": "Answering",
    }
    assert meanwhile in found["guarded"].message
    agent.status = 204
    deadline = time.monotonic() + 30
    while seen()["guarded"].reason != "Answering":
        assert time.monotonic() < deadline
        time.sleep(0.1)


_questions = st.builds(
    ForwardAuth,
    edge=st.just("main"),
    agent_url=st.sampled_from(
        ["http://127.0.0.1:8780", "https://argos.example:443", "http://[::1]:8780", "unix:///run/argos.sock"]
    ),
    timeout=st.timedeltas(min_value=_A_MOMENT, max_value=_A_MOMENT * 100).map(
        lambda each: each - each % _A_MOMENT
    ),
    closed=st.booleans(),
)


@given(_questions)
def test_a_question_reads_as_it_was_written(question: ForwardAuth) -> None:
    assert read_forward_auth(question.handler()) == question


def test_people_see_whom_caddy_asks_and_what_somebody_changed() -> None:
    handler = ForwardAuth("main", "http://127.0.0.1:8780", _A_MOMENT * 10, closed=True).handler()
    content = {
        "server": "argos-http",
        "tls": {"off": True},
        "routes": [{"terminal": True, "handle": [handler]}],
    }
    assert fields(content)["bouncer"] == "asks http://127.0.0.1:8780 about main, fails closed"
    assert fields(content)["bouncer timeout"] == "500ms"
    handler["routes"][0]["handle"][0]["upstreams"][0]["dial"] = "192.0.2.1:1"
    handler["routes"][0]["handle"][0]["max_requests"] = 7
    shown = fields(content)
    assert "bouncer" not in shown
    assert "192.0.2.1:1" in shown.values()
