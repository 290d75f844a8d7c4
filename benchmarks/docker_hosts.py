"""Docker hosts that report, in a process of its own: `python -m benchmarks.docker_hosts PORT RATE SECONDS`.

1,000 hosts of 50 containers take turns, RATE reports a second; with 0, as many as eight at once get through.
Each report is whole, as an ArchNest agent sends it, on a connection of its own, as curl does. Statistics
differ each time, and in one report of 50 a container has another state. It prints one JSON list: how many
seconds each took, from connecting to the last byte of the answer.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, takewhile

import orjson

from benchmarks.measure import Spread

HOSTS = 1_000
CONTAINERS = 50
TOKEN = "benchmark-agents"  # noqa: S105 - it guards a loopback port for a minute
_AT_ONCE = 8
_CHANGES_EVERY = 50
_CPU = b'"cpuPercent":1.5'


class DockerHosts:
    """The process, begun at once; `waited` is what each report took, once it has ended."""

    def __init__(self, port: int, rate: float, seconds: float) -> None:
        command = [sys.executable, "-m", "benchmarks.docker_hosts", str(port), str(rate), str(seconds)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def waited(self) -> Spread:
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("a report was not taken in")
        return Spread(tuple(json.loads(output)))


def report_of(host: int, state: str = "running") -> bytes:
    """About 100 kB: a container has 15 variables, 12 labels and two ports."""
    containers = [_container(host, number) for number in range(CONTAINERS)]
    containers[0]["state"] = state
    return orjson.dumps(
        {
            "hostId": f"host-{host:04}",
            "hostname": f"docker{host}",
            "agentVersion": "1",
            "reportedAt": "2026-06-20T19:30:00Z",
            "containers": containers,
        }
    )


def _container(host: int, number: int) -> dict[str, object]:
    name = f"app-{number}"
    return {
        "id": f"{host:032x}{number:032x}",
        "name": name,
        "image": f"registry.example.com/team/{name}:1.27",
        "imageId": f"sha256:{number:064x}",
        "state": "running",
        "status": "Up 3 hours (healthy)",
        "createdAt": "2026-06-20T16:00:00Z",
        "startedAt": "2026-06-20T16:00:01Z",
        "restartCount": 0,
        "restartPolicy": "unless-stopped",
        "health": "healthy",
        "ports": [
            {"hostIp": address, "hostPort": 8000 + number, "containerPort": 80, "proto": "tcp"}
            for address in ("127.0.0.1", "::1")
        ],
        "networks": [{"name": "backend", "ip": f"172.20.0.{number + 2}"}],
        "mounts": [{"type": "volume", "source": f"{name}_data", "destination": "/data", "rw": True}],
        "env": [{"key": f"SETTING_{each}", "value": f"value {each} of {name}"} for each in range(14)]
        + [{"key": "DB_PASSWORD", "value": "********"}],
        "command": f"/usr/local/bin/{name} --listen 0.0.0.0:80 --log-level info",
        "labels": {f"com.example.team.label-{each}": f"{name} {each}" for each in range(12)},
        "stats": {
            "cpuPercent": 1.5,
            "memUsage": 20971520 + number,
            "memLimit": 536870912,
            "netRxBytes": 12345,
            "netTxBytes": 67890,
            "blockReadBytes": 0,
            "blockWriteBytes": 0,
        },
    }


def _bodies() -> Iterator[bytes]:
    """Host after host, round after round."""
    steady = [report_of(host) for host in range(HOSTS)]
    for number in count():
        host = number % HOSTS
        moved = number % _CHANGES_EVERY == 0
        body = report_of(host, f"moved{'ab'[number // HOSTS % 2]}") if moved else steady[host]
        yield body.replace(_CPU, b'"cpuPercent":%.3f' % (number % 100_000 / 1000))


def _send(port: int, body: bytes) -> float:
    begun = time.perf_counter()
    head = (
        "POST /api/agents/docker/report HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer.decode(errors="replace"))
    return time.perf_counter() - begun


def _paced(bodies: Iterator[bytes], rate: float, end: float) -> Iterator[bytes]:
    """Each at its time; with a rate of 0, at once."""
    begun = time.monotonic()
    for number, body in enumerate(takewhile(lambda _: time.monotonic() < end, bodies)):
        if rate:
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        yield body


def main(port: int, rate: float, seconds: float) -> None:
    bodies = _bodies()
    first = next(bodies)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        due = _paced(bodies, rate, time.monotonic() + seconds)
        waiting = [threads.submit(_send, port, first)]
        took: list[float] = []
        for body in due:
            waiting.append(threads.submit(_send, port, body))
            if len(waiting) >= _AT_ONCE * (4 if rate else 1):
                took.append(waiting.pop(0).result())
        took += [each.result() for each in waiting]
    print(json.dumps(took))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
