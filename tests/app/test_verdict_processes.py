"""The processes that answer verdicts, as the agent starts them: killed, and starved of descriptors."""

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from argos_gitops.app.bouncers import message_of
from argos_gitops.app.channel import VERDICT_BEAT_SECONDS, VERDICT_SILENCE_SECONDS
from argos_gitops.app.front import Front
from argos_gitops.model.secret import SecretValue
from argos_gitops.model.spec import parse_duration
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.providers.crowdsec.settings import BouncerSpec
from tests.app.test_front import PATIENCE, Fronts, eventually, is_gone
from tests.providers.crowdsec.stand_in import Asked, Reply, StandInLapi

BANNED = "203.0.113.7"


class Lapi:
    """Tells bouncers which addresses are banned, each once as new, and all of them at a start."""

    def __init__(self, stand_in: StandInLapi) -> None:
        self.url = stand_in.url
        self.banned = [BANNED]
        self.origins: dict[str, str] = {}
        self._told = 1
        self.away = False
        stand_in.lies["GET", "/v1/decisions/stream"] = self._stream

    def _stream(self, asked: Asked) -> Reply:
        if self.away:
            return Reply(503, {"message": "away"})
        begin = 0 if asked.query.get("startup") == "true" else self._told
        self._told = len(self.banned)
        rows = [
            {"id": begin + number + 1, "value": value, "scope": "Ip", "type": "ban"}
            | {"duration": "4h0m0s", "origin": self.origins.get(value, "cscli")}
            for number, value in enumerate(self.banned[begin:])
        ]
        return Reply(content={"new": rows, "deleted": None})

    def config(self, fail_mode: str = "closed") -> BouncerConfig:
        options = {"lapi_url": self.url, "fail_mode": fail_mode, "poll_interval": "0.2", "away_after": "300"}
        return BouncerConfig("crowdsec", options, SecretValue("bouncer-key-canary"))


@pytest.fixture
def lapi() -> Iterator[Lapi]:
    with StandInLapi() as stand_in:
        yield Lapi(stand_in)


@pytest.fixture
def fronts(tmp_path: Path) -> Iterator[Fronts]:
    fronts = Fronts(tmp_path)
    yield fronts
    for front in fronts.started:
        front.stop(10)


def asked_front(fronts: Fronts, lapi: Lapi, fail_mode: str = "closed") -> Front:
    front = fronts.start()
    front.configure({"bouncers": message_of({"main": lapi.config(fail_mode)})})
    assert eventually(lambda: verdict(front, BANNED) == 403)
    return front


def verdict(front: Front, address: str) -> int:
    """Each time on a connection of its own."""
    url = f"http://{front.address}/auth/forward/main?client={address}"
    return httpx.get(url, timeout=PATIENCE, trust_env=False).status_code


def killed(front: Front, name: str) -> None:
    """Kills a process, and waits until another one is in its place."""
    pid = front.pids()[name]
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: front.pids().get(name, pid) != pid)


def test_verdicts_stay_right_whichever_process_is_killed(fronts: Fronts, lapi: Lapi) -> None:
    """And one that begins anew answers nobody before it knows what the others know."""
    front = asked_front(fronts, lapi)
    names = set(front.pids())
    assert {"front", "bouncers", "verdicts-0", "verdicts-1"} <= names
    for name in sorted(names):
        killed(front, name)
        for _ in range(5):
            assert (verdict(front, BANNED), verdict(front, "203.0.113.8")) == (403, 204)


def test_a_new_ban_bites_in_every_process_also_after_their_source_was_killed(
    fronts: Fronts, lapi: Lapi
) -> None:
    front = asked_front(fronts, lapi)
    for number, name in enumerate(("", "bouncers", "verdicts-1")):
        if name:
            killed(front, name)
        address = f"203.0.113.{100 + number}"
        lapi.banned.append(address)
        assert eventually(lambda address=address: verdict(front, address) == 403)  # type: ignore[misc]
        assert [verdict(front, address) for _ in range(20)] == [403] * 20


def test_a_verdict_process_that_hangs_is_replaced_and_others_answer(fronts: Fronts, lapi: Lapi) -> None:
    """Each new connection is answered meanwhile; those that the hung one had are closed with its end."""
    front = asked_front(fronts, lapi)
    hung = front.pids()["verdicts-0"]
    url = f"http://{front.address}/auth/forward/main?client={BANNED}"
    with ExitStack() as ends:
        kept = [ends.enter_context(httpx.Client(timeout=PATIENCE, trust_env=False)) for _ in range(32)]
        assert {each.get(url).status_code for each in kept} == {403}
        os.kill(hung, signal.SIGSTOP)
        with ThreadPoolExecutor(len(kept)) as visitors:
            waiting = [visitors.submit(status_or_closed, each, url) for each in kept]
            assert [verdict(front, BANNED) for _ in range(20)] == [403] * 20
            assert {each.result() for each in waiting} == {403, None}
    assert eventually(lambda: front.pids().get("verdicts-0", hung) != hung)
    assert verdict(front, BANNED) == 403


def status_or_closed(client: httpx.Client, url: str) -> int | None:
    """None where the connection was closed instead of an answer."""
    try:
        return client.get(url).status_code
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return None


def test_a_hung_process_is_replaced_before_a_caddy_gives_up_on_it() -> None:
    """What waits for it is closed, and asked again of another one, within the usual `timeout` of an Edge."""
    usual = parse_duration(BouncerSpec.model_fields["timeout"].default)
    assert isinstance(usual, timedelta)
    assert usual.total_seconds() >= VERDICT_SILENCE_SECONDS + 2 * VERDICT_BEAT_SECONDS


@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_what_is_known_survives_every_process_while_lapi_is_away(
    fronts: Fronts, lapi: Lapi, fail_mode: str
) -> None:
    """Whichever are killed, in whatever order: also those that answer, after the one that kept it."""
    front = asked_front(fronts, lapi, fail_mode)
    lapi.banned.append("203.0.113.9")
    assert eventually(lambda: verdict(front, "203.0.113.9") == 403)
    lapi.away = True
    for name in ("bouncers", "verdicts-0", "verdicts-1", "front", "bouncers", "verdicts-0", "verdicts-1"):
        killed(front, name)
        for _ in range(5):
            found = [verdict(front, address) for address in (BANNED, "203.0.113.9", "203.0.113.8")]
            assert found == [403, 403, 204]
    lapi.away = False
    lapi.banned.append("203.0.113.10")
    assert eventually(lambda: verdict(front, "203.0.113.10") == 403)
    assert verdict(front, BANNED) == 403


@pytest.mark.parametrize(("fail_mode", "status"), [("open", 204), ("closed", 503)])
def test_where_nothing_was_ever_known_the_mode_decides(
    fronts: Fronts, lapi: Lapi, fail_mode: str, status: int
) -> None:
    """LAPI was away from the start."""
    lapi.away = True
    front = fronts.start()
    front.configure({"bouncers": message_of({"main": lapi.config(fail_mode)})})
    assert eventually(lambda: verdict(front, BANNED) == status)
    for name in ("bouncers", "verdicts-0", "front"):
        killed(front, name)
        assert eventually(lambda: verdict(front, BANNED) == status)
    lapi.away = False
    assert eventually(lambda: verdict(front, BANNED) == 403)


def test_while_no_process_knows_anything_nobody_can_tell(fronts: Fronts, lapi: Lapi) -> None:
    """The process that keeps the decisions hangs, and all that answer were just started."""
    front = asked_front(fronts, lapi, "open")
    os.kill(front.pids()["bouncers"], signal.SIGSTOP)
    for name in ("verdicts-0", "verdicts-1", "front"):
        killed(front, name)
    for name in {"verdicts-2", "verdicts-3"} & set(front.pids()):
        killed(front, name)
    assert verdict(front, BANNED) == 503
    os.kill(front.pids()["bouncers"], signal.SIGCONT)
    assert eventually(lambda: verdict(front, BANNED) == 403)


def test_all_processes_end_with_the_front(fronts: Fronts, lapi: Lapi) -> None:
    front = asked_front(fronts, lapi)
    pids = front.pids().values()
    front.stop(10)
    assert all(map(is_gone, pids))


def test_no_process_shows_a_key_and_those_that_answer_have_none(fronts: Fronts, lapi: Lapi) -> None:
    """The front, where strangers can cause work, is never told the keys of the bouncers."""
    front = asked_front(fronts, lapi)
    for name, pid in front.pids().items():
        process = Path(f"/proc/{pid}")
        assert b"canary" not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        if name != "bouncers":
            assert not holds(pid, b"bouncer-key-" + b"canary"), name
    assert holds(front.pids()["bouncers"], b"bouncer-key-" + b"canary")


def holds(pid: int, word: bytes) -> bool:
    """Whether it stands anywhere in the memory of the process that it may write to."""
    areas = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for area in areas:
            begin, end = (int(each, 16) for each in area[0].split("-"))
            if not area[1].startswith("rw") or end - begin > 64 * 1024 * 1024:
                continue
            with suppress(OSError):
                memory.seek(begin)
                if word in memory.read(end - begin):
                    return True
    return False


def test_half_a_character_in_what_lapi_says_ends_no_process(fronts: Fronts, lapi: Lapi) -> None:
    """JSON can name one, and no answer can be written with it."""
    lapi.origins[BANNED] = "caf\u00e9 \ud800"
    front = asked_front(fronts, lapi)
    pids = front.pids()
    url = f"http://{front.address}/auth/forward/main?client={BANNED}"
    origins = {httpx.get(url, timeout=PATIENCE, trust_env=False).json()["origin"] for _ in range(10)}
    assert (origins, front.pids()) == ({"caf\u00e9 ?"}, pids)


def test_what_was_answered_is_counted_once_whoever_answered(fronts: Fronts, lapi: Lapi) -> None:
    front = asked_front(fronts, lapi)
    for _ in range(30):
        verdict(front, "203.0.113.8")

    def counted() -> bool:
        page = httpx.get(f"http://{front.address}/metrics", timeout=PATIENCE).text
        return 'argos_forward_auth_requests_total{edge="main",verdict="allow"} 30.0' in page

    assert eventually(counted)


@pytest.mark.parametrize("name", ["front", "verdicts-0"])
def test_running_out_of_descriptors_ends_no_process(fronts: Fronts, lapi: Lapi, name: str) -> None:
    """Clients open more connections than there may be, and say half of what they want."""
    front = asked_front(fronts, lapi)
    pids = dict(front.pids())
    pid = pids[name]
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 8, hard))
    host, _, port = front.address.rpartition(":")
    halves = []
    try:
        for _ in range(120):
            half = socket.create_connection((host, int(port)), timeout=PATIENCE)
            half.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
            halves.append(half)
        time.sleep(1)
        assert dict(front.pids()) == pids
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert verdict(front, BANNED) == 403
        assert eventually(lambda: answers(lambda: httpx.get(f"http://{front.address}/healthz", timeout=5)))
    finally:
        for half in halves:
            half.close()
    assert dict(front.pids()) == pids


def answers(ask: Callable[[], httpx.Response]) -> bool:
    with suppress(httpx.HTTPError):
        return ask().status_code == 200
    return False
