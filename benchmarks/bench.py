"""What the benchmarks share: how much to measure, and the estates, each made once."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.figure import Figure
from benchmarks.site import Site


@dataclass
class Bench:
    """`hosts` and `runs` as asked for; `sites` closes what was started."""

    folder: Path
    hosts: int
    runs: int
    _stack: ExitStack
    _sites: dict[int, Site] = field(default_factory=dict)

    def site(self, hosts: int | None = None) -> Site:
        """The running estate of a size; made when it is first asked for, its own Caddys included."""
        size = hosts or self.hosts
        if size not in self._sites:
            self._sites[size] = self._stack.enter_context(Site(self.folder / f"{size}-hosts", size))
        return self._sites[size]


class Benchmark(Protocol):
    """A module of this package: measures one promise of the project."""

    def run(self, bench: Bench) -> Iterator[Figure]: ...


@contextmanager
def opened(hosts: int, runs: int) -> Iterator[Bench]:
    """A bench in a temporary folder; whatever it started is ended and removed with it."""
    with tempfile.TemporaryDirectory(prefix="argos-benchmarks-") as folder, ExitStack() as stack:
        yield Bench(Path(folder), hosts, runs, stack)
