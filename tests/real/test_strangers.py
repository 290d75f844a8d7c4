"""What strangers do to a running agent, and that verdicts never share a process with it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.real.agents import AgentProcess, until
from tests.real.asked_agent import asked_agent, processes, verdicts


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    with asked_agent(tmp_path) as agent:
        yield agent


def test_verdicts_do_not_wait_for_work_that_strangers_can_cause(agent: AgentProcess) -> None:
    """Reports, webhooks and pages have a process of their own, here held still as if one took for ever."""
    (front,) = (pid for pid, command in processes(agent).items() if "front_process" in command)
    os.kill(front, signal.SIGSTOP)
    try:
        for _ in range(10):
            assert verdicts(agent) == (403, 204)
    finally:
        os.kill(front, signal.SIGCONT)


def test_verdicts_do_not_wait_for_the_agent(agent: AgentProcess) -> None:
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        for _ in range(10):
            assert verdicts(agent) == (403, 204)
    finally:
        os.kill(agent.pid, signal.SIGCONT)


def test_clients_that_never_read_or_never_finish_are_dropped(agent: AgentProcess) -> None:
    """Whatever they ask for: verdicts without an end to the head, or pages whose answers nobody takes in."""
    slow = [_client(agent, b"GET /auth/forward/main?client=1.2.3.4 HTTP/1.1\r\nX: ") for _ in range(5)]
    late = [_client(agent, b"POST /webhooks/github HTTP/1.1\r\nContent-Length: 9\r\n\r\n") for _ in range(5)]
    deaf = [
        _client(agent, b"GET /agents/docker/agent.sh HTTP/1.1\r\nHost: x\r\n\r\n" * 400) for _ in range(5)
    ]
    begun = time.monotonic()
    for each in (*slow, *late, *deaf):
        until(lambda each=each: _is_dropped(each), "it is dropped", patience=90)  # type: ignore[misc]
    assert time.monotonic() - begun < 90
    assert verdicts(agent) == (403, 204)
    for each in (*slow, *late, *deaf):
        each.close()


def _client(agent: AgentProcess, said: bytes) -> socket.socket:
    """Takes in as little as it can."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", agent.port))
    client.settimeout(0.2)
    with suppress(OSError):
        client.sendall(said)
    return client


def _is_dropped(client: socket.socket) -> bool:
    """Whether the other end let go: seen in the kernel, without taking in anything."""
    established = 1
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != established
