"""A bouncer, and what answers by its decisions, connected as the agent connects their processes."""

import socket

from argos_gitops.app.verdict_feed import FedBouncer, FedBouncers, Feed
from argos_gitops.model.verdict import Verdict
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.providers.crowdsec.bouncer.bouncer import LapiBouncer

EDGE = "main"


class Answering:
    """For one thread."""

    def __init__(self, config: BouncerConfig) -> None:
        self._ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in self._ends:
            end.setblocking(False)
        self.feed = Feed([self._ends[0]])
        self.feed.edges([EDGE])
        self._fed = FedBouncers(self._ends[1])
        self.bouncer = LapiBouncer(config, self.feed.publisher(EDGE), self.feed.usage.of_edge(EDGE))

    def verdict(self, address: str) -> Verdict:
        """ValueError when it is none."""
        return self.table().verdict(address)

    def table(self) -> FedBouncer:
        """What answers, with all that was made known until now."""
        self.feed.catch_up()
        self._fed.take()
        found = self._fed.of_edge(EDGE)
        assert found is not None
        return found

    def close(self) -> None:
        self.bouncer.close()
        for end in self._ends:
            end.close()
