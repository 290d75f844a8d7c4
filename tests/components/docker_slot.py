"""What one engine on this machine has for itself: addresses, a folder, a control group.

All follow from a number that is claimed while its engine is used. So whatever is found under a number
that nobody had is the rest of a test run that was killed, and swept away.
"""

import errno
import ipaddress
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.components.claims import claim

# Set aside for benchmarks (RFC 2544): no real network of the machine has them. A /20 for each engine.
_ADDRESSES = list(ipaddress.IPv4Network("198.18.0.0/15").subnets(new_prefix=20))
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
# Not the temporary folder of this test run: the next run must find what a killed one has left. A short
# path, as sockets need it.
_FOLDERS = Path("/var/tmp")  # noqa: S108 # a folder of ours in it, that nobody else may enter
_SWEEP_SECONDS = 30.0


@dataclass(frozen=True)
class Slot:
    """`claimed` makes the slot ours until it is released or this process ends."""

    number: int
    folder: Path
    claimed: socket.socket
    busybox: Path

    @property
    def pool(self) -> ipaddress.IPv4Network:
        """What networks get their addresses from that ask for none."""
        return next(_ADDRESSES[self.number].subnets())

    @property
    def cgroup(self) -> str:
        return f"/argos-test-docker-{self.number}"

    def fixed_subnets(self) -> Iterator[ipaddress.IPv4Network]:
        """Subnets outside of the pool."""
        _, other = _ADDRESSES[self.number].subnets()
        return other.subnets(new_prefix=26)

    def sweep(self) -> None:
        """Removes what the kernel keeps of an engine that has ended: bridges and control groups."""
        for bridge in self._bridges():
            subprocess.run(
                [str(self.busybox), "ip", "link", "delete", bridge], check=True, capture_output=True
            )
        for group in [*_CONTROL_GROUPS.glob(f"*{self.cgroup}"), _CONTROL_GROUPS / self.cgroup[1:]]:
            _remove_group(group)

    def release(self) -> None:
        shutil.rmtree(self.folder)
        self.claimed.close()

    def _bridges(self) -> Iterator[str]:
        command = [str(self.busybox), "ip", "-oneline", "-family", "inet", "address"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in told.splitlines():
            _, name, _, address = line.split()[:4]
            if ipaddress.IPv4Interface(address).ip in _ADDRESSES[self.number]:
                yield name


def claim_slot(busybox: Path) -> Slot:
    """A slot that nobody has. Its folder is empty."""
    for number in reversed(range(len(_ADDRESSES))):
        claimed = claim(f"argos-test-docker-{number}")
        if claimed is not None:
            slot = Slot(number, _FOLDERS / f"argos-test-docker-{number}", claimed, busybox)
            slot.sweep()
            shutil.rmtree(slot.folder, ignore_errors=True)
            slot.folder.mkdir(mode=0o700)
            return slot
    raise RuntimeError(f"all {len(_ADDRESSES)} slots for Docker engines are taken")


def _remove_group(group: Path) -> None:
    """The processes in it have been killed already; the kernel takes a moment to notice."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    while group.exists():
        try:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
