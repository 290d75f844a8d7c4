"""The clock and the scales: times of interleaved pairs, and the peak memory of a program."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

Action = Callable[[], object]
_SAMPLE_SECONDS = 0.02
_REST_SECONDS = 0.3
_RESTING_TICKS = 1
"""Hundredths of a second that a process at rest may use meanwhile."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one thing, in one unit."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What was measured side by side: the n-th of ours ran next to the n-th of the reference."""

    ours: Spread
    reference: Spread

    @property
    def ratio(self) -> float:
        """The median of each pair's own ratio, so that a slow minute of the machine weighs on both sides."""
        return median(a / b for a, b in zip(self.ours.values, self.reference.values, strict=True))

    @property
    def difference(self) -> float:
        """The median of each pair's own difference."""
        return median(a - b for a, b in zip(self.ours.values, self.reference.values, strict=True))


def seconds(action: Action) -> float:
    """How long `action` takes, by the monotonic clock."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(runs: int, *timed: Callable[[], float]) -> list[Spread]:
    """Runs each measurement `runs` times in turn; every second round goes backwards.

    Whoever comes second may find warmer caches or a busier disk: turning the order round evens it out.
    """
    values: list[list[float]] = [[] for _ in timed]
    for number in range(runs):
        order = range(len(timed)) if number % 2 == 0 else reversed(range(len(timed)))
        for index in order:
            values[index].append(timed[index]())
    return [Spread(tuple(found)) for found in values]


def await_rest(pids: Sequence[int]) -> None:
    """Waits until none of the processes works any more on what was asked of it before.

    Caddy answers a load first, and then stops and collects what it replaced: whoever is measured next
    would pay for that.
    """
    before, now = -1, ticks(pids)
    while now - before > _RESTING_TICKS:
        time.sleep(_REST_SECONDS)
        before, now = now, ticks(pids)


def run_quietly(command: Sequence[str], env: Mapping[str, str], *, expected: int = 0) -> None:
    """Runs a program to its end; CalledProcessError, with what it said, for another exit code."""
    finished = subprocess.run(command, env=dict(env), capture_output=True, stdin=subprocess.DEVNULL)
    if finished.returncode != expected:
        error = subprocess.CalledProcessError(finished.returncode, command[:3])
        error.add_note(finished.stderr[-2000:].decode(errors="replace"))
        error.add_note(finished.stdout[-2000:].decode(errors="replace"))
        raise error


def peak_megabytes(command: Sequence[str], env: Mapping[str, str]) -> float:
    """The peak memory of a program and all its children together, in MB (10⁶ bytes)."""
    process = subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with PeakMemory(process.pid) as peak:
        process.wait()  # its ru_maxrss is no measure: that of the program that forked it counts in there
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[:3])
    return peak.megabytes


class PeakMemory:
    """Watches a process and all that it started, inside a `with` block.

    It sums the proportional set sizes (proc(5), smaps_rollup), so that memory which forked workers
    share is counted once; if the process alone ever had more (VmHWM), that counts. Sampling costs
    time: a run that is watched is not timed.
    """

    def __init__(self, pid: int) -> None:
        self.megabytes = 0.0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            together = sum(proportional_megabytes(member) for member in family(self._pid))
            alone = _megabytes(self._pid, "status", "VmHWM")
            self.megabytes = max(self.megabytes, together, alone)
            if self._done.wait(_SAMPLE_SECONDS):
                return


def family(pid: int) -> list[int]:
    """A process and its descendants, as far as they still run."""
    found = [pid]
    for member in found:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            found.extend(int(child) for child in _read(task).split())
    return found


def proportional_megabytes(pid: int) -> float:
    """What a process holds, its part of shared pages included, in MB (proc(5), smaps_rollup)."""
    return _megabytes(pid, "smaps_rollup", "Pss")


def percentile(spread: Spread, percent: int) -> float:
    """The least value that so many of a hundred do not exceed."""
    ordered = sorted(spread.values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _megabytes(pid: int, file: str, field: str) -> float:
    for line in _read(Path(f"/proc/{pid}/{file}")).splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def ticks(pids: Sequence[int]) -> int:
    """The CPU time that the processes have used: fields 14 and 15 of proc(5) stat."""
    stats = (_read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split() for pid in pids)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats if stat)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended between two looks
        return ""
