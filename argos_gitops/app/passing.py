"""What verdict processes pass on to the front: packets that begin with a letter, read here."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from argos_gitops.app.channel import NUMBERS
from argos_gitops.web.counts import Counts, decode_counts

_LARGEST = 256 * 1024
_REST_SECONDS = 0.05


class Taken:
    """The end of the front. Takes connections only while `full` says that there is room for them."""

    def __init__(
        self,
        taken: socket.socket,
        full: Callable[[], bool],
        adopt: Callable[[socket.socket, bytes], None],
        count: Callable[[Counts], None],
    ) -> None:
        self._taken = taken
        self._full = full
        self._adopt = adopt
        self._count = count

    def begin(self) -> None:
        asyncio.get_running_loop().add_reader(self._taken, self._ready)

    def end(self) -> None:
        """What still waits is for the next front."""
        asyncio.get_running_loop().remove_reader(self._taken)

    def _ready(self) -> None:
        if self._full():
            self.end()
            asyncio.get_running_loop().call_later(_REST_SECONDS, self.begin)
            return
        with suppress(BlockingIOError):
            packet, descriptors, _, _ = socket.recv_fds(self._taken, _LARGEST, 1, socket.MSG_DONTWAIT)
            self._take(packet, descriptors)

    def _take(self, packet: bytes, descriptors: list[int]) -> None:
        """A connection without a descriptor found none left in this process: the kernel has closed it."""
        if packet[:1] == NUMBERS:
            self._count(decode_counts(packet[1:]))
        elif descriptors:
            try:
                connection = socket.socket(fileno=descriptors[0])
            except OSError:
                os.close(descriptors[0])
                return
            self._adopt(connection, packet[1:])
