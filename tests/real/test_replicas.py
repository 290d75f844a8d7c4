"""Three processes on one PostgreSQL: each target has one of them, and another when that one is killed."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.components.postgres import RealPostgres

TARGETS = [f"Edge/{number}" for number in range(9)]
_PATIENCE_SECONDS = 120.0  # a share lasts 9 s; a shared machine may be slow, but does not lose targets

Process = subprocess.Popen[bytes]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A file for each target, which every replica that applies to it writes to."""
    folder = tmp_path / "world"
    folder.mkdir()
    for target in TARGETS:
        place_of(folder, target).touch()
    return folder


def place_of(world: Path, target: str) -> Path:
    return world / target.replace("/", "-")


@contextmanager
def replica(url: str, name: str, world: Path) -> Iterator[Process]:
    command = [sys.executable, "-m", "tests.real.replica", url, name, str(world), *TARGETS]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def steps(world: Path, target: str) -> list[tuple[str, int, str]]:
    """What was done to a target, in order; a last line that is only half written does not count."""
    lines = place_of(world, target).read_text().split("\n")[:-1]
    return [(step, int(fence), name) for step, fence, name in (line.split() for line in lines)]


def lengths(world: Path) -> dict[str, int]:
    return {target: len(steps(world, target)) for target in TARGETS}


def appliers(world: Path, since: Mapping[str, int]) -> dict[str, str]:
    """Who applied last to each target, of those that somebody applied to since then."""
    news = {target: steps(world, target)[since[target] :] for target in TARGETS}
    return {target: done[-1][2] for target, done in news.items() if done}


def await_state(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def evenly(holders: Mapping[str, str], replicas: int) -> bool:
    count = Counter(holders.values())
    return len(holders) == len(TARGETS) and sorted(count.values()) == [len(TARGETS) // replicas] * replicas


def assert_nobody_applied_beside_another(world: Path, killed: str) -> None:
    """Each begin has its end before anybody else begins, and fences only grow; but for the killed."""
    for target in TARGETS:
        done = steps(world, target)
        assert [fence for _, fence, _ in done] == sorted(fence for _, fence, _ in done)
        open_step: tuple[int, str] | None = None
        for step, fence, name in done:
            if step == "begin":
                assert open_step is None or open_step[1] == killed, (target, open_step, name)
                open_step = (fence, name)
            else:
                assert open_step == (fence, name)
                open_step = None


def test_fm15_targets_of_a_killed_replica_move_and_nothing_is_applied_twice(
    postgres: RealPostgres, world: Path
) -> None:
    """Nine targets spread three, three, three; after kill -9 the two others have all nine."""
    url = postgres.new_database()
    with ExitStack() as running:
        processes = {name: running.enter_context(replica(url, name, world)) for name in "abc"}
        await_state(lambda: evenly(appliers(world, dict.fromkeys(TARGETS, 0)), 3))
        processes["a"].kill()
        processes["a"].wait()
        before = lengths(world)
        await_state(lambda: len(appliers(world, before)) == len(TARGETS))
        assert set(appliers(world, before).values()) == {"b", "c"}
    assert_nobody_applied_beside_another(world, killed="a")
