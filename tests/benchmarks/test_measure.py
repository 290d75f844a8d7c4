"""The scales of the benchmarks; none of these tests says how fast anything is."""

import subprocess
import sys

import pytest

from benchmarks.measure import Pairs, Spread, interleaved, peak_megabytes, run_quietly


def test_a_ratio_compares_within_each_pair() -> None:
    """A round in which the whole machine was ten times slower changes nothing."""
    pairs = Pairs(ours=Spread((1.0, 10.0, 1.0)), reference=Spread((2.0, 20.0, 2.0)))
    assert pairs.ratio == 0.5
    assert pairs.difference == -1.0


def test_a_spread_knows_its_middle_and_its_ends() -> None:
    spread = Spread((3.0, 1.0, 2.0))
    assert (spread.low, spread.median, spread.high) == (1.0, 2.0, 3.0)


def test_every_second_round_runs_backwards() -> None:
    """So that nobody is always the one who finds caches warm."""
    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return float(len(order))

    first, second = interleaved(2, lambda: measured("a"), lambda: measured("b"))
    assert order == ["a", "b", "b", "a"]
    assert first.values == (1.0, 4.0)
    assert second.values == (2.0, 3.0)


def test_a_program_that_fails_is_not_measured() -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run_quietly([sys.executable, "-c", "import sys; sys.exit('no luck')"], {})
    assert "no luck" in "".join(failure.value.__notes__)


def test_memory_counts_children_and_shared_pages_once() -> None:
    """A forked child that touches nothing adds next to nothing; one that allocates adds that."""
    program = (
        "import os, time\n"
        "shared = b'x' * 60_000_000\n"
        "if os.fork():\n"
        "    os.wait()\n"
        "else:\n"
        "    own = b'y' * 60_000_000\n"
        "    time.sleep(0.5)\n"
    )
    megabytes = peak_megabytes([sys.executable, "-c", program], {})
    assert 110 < megabytes < 250
