"""A process that answers forward-auth: `python -m … CHANNEL LISTENING FRONT FEED`, all of them descriptors.

There are several, each the same, all on one listener. It has no secret, and opens nothing. Imports little.
"""

import gc
import signal
import socket
import sys
import time
from functools import partial

from argos_gitops.app.channel import CONNECTION, NUMBERS, VERDICT_BEAT_SECONDS, Channel
from argos_gitops.app.descriptors import allow_many
from argos_gitops.app.verdict_feed import FedBouncers
from argos_gitops.web.counts import Counts, encode_counts
from argos_gitops.web.verdict_server import Limits, VerdictServer

_BEGIN_SECONDS = 5.0
_SPARE_DESCRIPTORS = 64


class FrontEnd:
    """The way to the front."""

    def __init__(self, way: socket.socket) -> None:
        self._way = way

    def pass_on(self, connection: socket.socket, received: bytes) -> bool:
        """Whether it is on its way. Raises OSError where it can never be."""
        try:
            socket.send_fds(self._way, [CONNECTION + received], [connection.fileno()], socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def count(self, counts: Counts) -> bool:
        try:
            self._way.send(NUMBERS + encode_counts(counts), socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True


def main() -> None:
    """Answers until the agent says so (SIGTERM) or is gone. Ctrl-C is for the agent to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel, listening, way, feed = (socket.socket(fileno=int(each)) for each in sys.argv[1:])
    agent = Channel(channel)
    if agent.first() is None:
        return
    channel.setblocking(False)
    bouncers = FedBouncers(feed)
    limits = Limits(connections=allow_many() - _SPARE_DESCRIPTORS)
    server = VerdictServer(listening, bouncers, lambda: bouncers.version, FrontEnd(way), limits)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    _Start(server, bouncers).watch(feed)
    server.watch(channel, partial(_hear, agent, server))
    gc.collect()
    gc.freeze()
    server.serve(agent.beat, VERDICT_BEAT_SECONDS)


class _Start:
    """Nobody is answered before it is known what is known: others answer meanwhile, or all of us begin."""

    def __init__(self, server: VerdictServer, bouncers: FedBouncers) -> None:
        self._server = server
        self._bouncers = bouncers
        self._begun = False

    def watch(self, feed: socket.socket) -> None:
        self._server.watch(feed, self._heard)
        self._server.at(time.monotonic() + _BEGIN_SECONDS, self._begin)
        self._bouncers.hello()

    def _heard(self) -> None:
        self._bouncers.take()
        if self._bouncers.heard_everything:
            self._begin()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._server.begin()


def _hear(agent: Channel, server: VerdictServer) -> None:
    """Nothing is said to us but that it is over."""
    agent.receive()
    if agent.gone:
        server.stop()


if __name__ == "__main__":
    main()
