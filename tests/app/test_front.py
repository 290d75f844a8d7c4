"""The front process: real processes, killed and asked over loopback."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from argos_gitops.app import front as front_module
from argos_gitops.app import front_link
from argos_gitops.app.front import Front
from argos_gitops.app.log import Log
from argos_gitops.app.settings import Settings, load_settings
from argos_gitops.app.stores import Stores
from argos_gitops.model.errors import SettingsError
from tests.web.deliveries import Delivered, github, push
from tests.web.running import AS_OPERATOR, REPO, SECRET, TOKEN
from tests.web.test_health import replica

PATIENCE = 60


def settings_for(folder: Path, **changed: str) -> Settings:
    given = {
        "ARGOS_LISTEN": "127.0.0.1:0",
        "ARGOS_WEBHOOK_SECRET": SECRET,
        "ARGOS_API_TOKEN": TOKEN,
        "ARGOS_GIT_TOKEN": "a token for git alone",
        "ARGOS_STATE_DIR": str(folder),
        "ARGOS_REPO": REPO,
        "ARGOS_INSTANCE": "test",
    }
    return load_settings({}, given | changed, folder)


class Fronts:
    """Starts fronts, and ends them after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.looks: list[str] = []
        self.started: list[Front] = []

    def start(self, environment: dict[str, str] | None = None, **changed: str) -> Front:
        surroundings = dict(os.environ) | (environment or {})
        settings = settings_for(self.folder, **changed)
        front = Front(settings, surroundings, self.looks.append, Log())
        front.start()
        self.started.append(front)
        return front


@pytest.fixture
def fronts(tmp_path: Path) -> Iterator[Fronts]:
    fronts = Fronts(tmp_path)
    yield fronts
    for front in fronts.started:
        front.stop(10)


def ask(front: Front, path: str = "/healthz", **headers: str) -> httpx.Response:
    return httpx.get(f"http://{front.address}{path}", timeout=PATIENCE, headers=headers)


def deliver(front: Front, delivered: Delivered) -> httpx.Response:
    url = f"http://{front.address}{delivered.path}"
    return httpx.post(url, content=delivered.body, headers=dict(delivered.headers), timeout=PATIENCE)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_gone(pid: int) -> bool:
    """Ended, if perhaps not yet waited for by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_webhook_reaches_the_agent(fronts: Fronts) -> None:
    """Through the process, the channel and the thread."""
    front = fronts.start()
    assert deliver(front, github()).json()["result"] == "accepted"
    assert eventually(lambda: fronts.looks == ["webhook github"])


def test_requests_wait_for_a_front_that_was_killed(fronts: Fronts) -> None:
    """kill -9, as often as you like: the address stays taken, and no connection is refused."""
    front = fronts.start()
    ask(front)
    for _ in range(2):
        first = front.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert ask(front).status_code == 200
        assert front.pid not in (None, first)


def test_what_was_configured_is_told_to_every_later_process(fronts: Fronts) -> None:
    """The newest of each key, also after a crash."""
    Stores(settings_for(fronts.folder).store, "test").replicas.beat(replica("one"))
    front = fronts.start()
    assert ask(front, "/readyz").status_code == 200
    front.configure({"replica": "two"})
    assert eventually(lambda: ask(front, "/readyz").status_code == 503)
    assert front.pid is not None
    os.kill(front.pid, signal.SIGKILL)
    assert ask(front, "/readyz").json()["reasons"][0]["reason"] == "NotStarted"
    front.configure({"replica": "one"})
    assert eventually(lambda: ask(front, "/readyz").status_code == 200)


def test_a_front_that_hangs_is_replaced(fronts: Fronts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing for too long; here it cannot, as it was stopped."""
    monkeypatch.setattr(front_link, "BEAT_SECONDS", 0.5)
    monkeypatch.setattr(front_module, "SILENCE_SECONDS", 6)
    front = fronts.start()
    ask(front)
    hung = front.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    assert eventually(lambda: front.pid not in (None, hung))


def test_a_front_that_does_not_end_is_ended(fronts: Fronts) -> None:
    front = fronts.start()
    ask(front)
    pid = front.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    front.stop(0.5)
    assert is_gone(pid)
    assert not front.alive


def test_ctrl_c_is_for_the_agent(fronts: Fronts) -> None:
    """A terminal sends it to the whole group; the front goes on until it is told."""
    front = fronts.start()
    ask(front)
    pid = front.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert ask(front).status_code == 200
    assert front.pid == pid
    front.stop(10)
    assert is_gone(pid)


def test_a_front_ends_with_its_agent(tmp_path: Path) -> None:
    """Also when that is killed, and cannot say so."""
    script = (
        "import os, sys, time; from pathlib import Path; from tests.app.test_front import *;"
        "fronts = Fronts(Path(sys.argv[1])); front = fronts.start(); ask(front);"
        "print(front.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        pid = int(agent.stdout.readline())
        agent.kill()
    assert eventually(lambda: is_gone(pid))


def test_no_secret_is_on_the_command_line_or_in_the_environment(fronts: Fronts) -> None:
    """Neither those that it has, nor those of the agent that are none of its business."""
    front = fronts.start({"ARGOS_GIT_TOKEN": "canary-1", "MY_LAPI_PASSWORD": "canary-2", "PGAPPNAME": "kept"})
    ask(front)
    process = Path(f"/proc/{front.pid}")
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"PGAPPNAME=kept" in shown
    for secret in (SECRET, TOKEN, "canary-1", "canary-2", "a token for git alone"):
        assert secret.encode() not in shown


def test_an_address_that_is_taken_is_an_error_at_once(fronts: Fronts) -> None:
    front = fronts.start()
    with pytest.raises(SettingsError, match=r"ARGOS_LISTEN is 127.*another process listens there"):
        fronts.start(ARGOS_LISTEN=front.address)


def test_a_unix_socket(fronts: Fronts) -> None:
    """For its owner and group, served like any other, and gone afterwards."""
    path = fronts.folder / "front.sock"
    front = fronts.start(ARGOS_LISTEN=f"unix:{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=PATIENCE) as client:
        assert client.get("http://front/healthz").json() == {"status": "ok"}
        assert client.get("http://front/metrics").status_code == 200
        assert client.get("http://front/api/status").status_code == 401
    with pytest.raises(SettingsError, match="ARGOS_LISTEN"):
        fronts.start(ARGOS_LISTEN=f"unix:{path}")
    front.stop(10)
    assert not path.exists()


def test_fm12_a_thousand_deliveries_while_the_agent_is_busy(fronts: Fronts) -> None:
    """Each is answered though nobody takes in what the front says; then all of them are a few looks."""
    free = threading.Event()

    def look_when_free(why: str) -> None:
        free.wait(PATIENCE)
        fronts.looks.append(why)

    settings = settings_for(fronts.folder)
    front = Front(settings, dict(os.environ), look_when_free, Log())
    front.start()
    fronts.started.append(front)
    deliveries = [github(push(after=f"{number:040x}")) for number in range(1000)]
    with httpx.Client(base_url=f"http://{front.address}", timeout=PATIENCE) as client:

        def send(delivered: Delivered) -> str:
            answer = client.post(delivered.path, content=delivered.body, headers=dict(delivered.headers))
            return str(answer.json()["result"])

        with ThreadPoolExecutor(8) as senders:
            assert list(senders.map(send, deliveries)) == ["accepted"] * 1000
        page = client.get("/metrics").text
    assert 'argos_webhooks_total{provider="github",result="accepted"} 1000.0' in page
    free.set()
    assert eventually(lambda: len(fronts.looks) > 0)
    assert len(fronts.looks) < 1000


def test_metrics_of_both_processes(fronts: Fronts) -> None:
    """And a front that died leaves no file behind."""
    front = fronts.start()
    deliver(front, github())
    page = ask(front, "/metrics").text
    assert 'argos_webhooks_total{provider="github",result="accepted"} 1.0' in page
    assert "argos_agent_process_resident_memory_bytes" in page
    assert "argos_front_process_resident_memory_bytes" in page
    assert front.pid is not None
    os.kill(front.pid, signal.SIGKILL)
    page = ask(front, "/metrics").text
    assert 'result="accepted"' not in page


def test_the_store_is_read_by_the_front(fronts: Fronts) -> None:
    """Opened by the first question, and shared with the agent."""
    Stores(settings_for(fronts.folder).store, "test").replicas.beat(replica("one"))
    front = fronts.start()
    answer = ask(front, "/api/system/health", **AS_OPERATOR)
    assert [each["name"] for each in answer.json()["replicas"]] == ["one"]
