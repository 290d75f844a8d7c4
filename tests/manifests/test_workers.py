"""Many new files are parsed by several processes: the same comes out, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argos_gitops.manifests.facts import FactFinder
from argos_gitops.manifests.loader import Loader
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.manifests.workers import WORTH_FORKING, File, find_facts
from argos_gitops.model.errors import ArgosError
from tests.manifests.revisions import KINDS, REGISTRY, Revision, book, load_with

MANY = WORTH_FORKING + 100
ROOT = Path(__file__).parents[2]

# Loads files of which the last never comes, so that the workers live until somebody ends this process.
WAITING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
import sys, time
from argos_gitops.manifests.facts import FactFinder
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.manifests.workers import find_facts
from tests.manifests.revisions import KINDS, book

def files():
    for number in range(1000):
        yield str(number), book(f"b{number}").encode()
        if number == 300:
            time.sleep(60)

answers = 0
for answer in find_facts(FactFinder(DocumentModels(KINDS)), files(), 1000, 2):
    answers += 1
    if answers == 64:
        print("working", flush=True)
"""


def finder() -> FactFinder:
    return FactFinder(DocumentModels(KINDS))


def files(count: int = MANY) -> Iterator[File]:
    return ((str(number), (book(f"b{number}") if number % 7 else "[").encode()) for number in range(count))


def children() -> set[int]:
    return {
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }


def test_several_processes_find_what_one_finds() -> None:
    """Broken files included; and none of them is left."""
    before = children()
    assert dict(find_facts(finder(), files(), MANY, 3)) == dict(find_facts(finder(), files(), MANY, 1))
    assert children() == before


def test_few_files_start_no_process() -> None:
    before = children()
    for _ in find_facts(finder(), files(50), 50, 8):
        assert children() == before


def test_with_other_threads_no_process_is_forked() -> None:
    """A fork would copy locks that those threads hold; the work is done in this process instead."""
    before = children()
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        for _ in find_facts(finder(), files(), MANY, 2):
            assert children() == before
    finally:
        done.set()
        thread.join()


def test_an_error_of_the_source_ends_the_workers() -> None:
    """The error comes through, and no process is left."""

    def torn() -> Iterator[File]:
        yield from files(100)
        raise ConnectionAbortedError("the source is gone")

    before = children()
    with pytest.raises(ConnectionAbortedError):
        list(find_facts(finder(), torn(), MANY, 2))
    assert children() == before


def test_who_stops_listening_leaves_no_process() -> None:
    before = children()
    found = find_facts(finder(), files(), MANY, 2)
    next(found)
    assert children() != before
    found.close()
    assert children() == before


def test_a_worker_that_is_killed_is_an_error_with_a_reason() -> None:
    """As when the machine is out of memory; the others end as well."""
    before = children()
    found = find_facts(finder(), files(5000), 5000, 2)
    next(found)
    os.kill(next(iter(children() - before)), signal.SIGKILL)
    with pytest.raises(ArgosError) as caught:
        list(found)
    assert caught.value.reason == "ParserEnded"
    assert children() == before


def test_a_loader_uses_them() -> None:
    revision = Revision({f"{number}.yaml": book(f"b{number}") for number in range(MANY)})
    loaded = load_with(Loader(REGISTRY, workers=2), revision)
    assert loaded.problems == ()
    assert len(loaded.resources) == MANY


def _descendants(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent_however_it_ends(end: signal.Signals) -> None:
    """Killed, terminated, or stopped with Ctrl-C, which reaches the whole group; none says a word."""
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        assert parent.stdout.readline() == "working\n"
        workers = _descendants(parent.pid)
        assert len(workers) == 2
        if end == signal.SIGINT:
            os.killpg(parent.pid, end)
        else:
            parent.send_signal(end)
        told = parent.stderr.read()
        assert parent.wait() != 0
        assert _gone(workers)
        assert told.count("Traceback") == (1 if end == signal.SIGINT else 0)
