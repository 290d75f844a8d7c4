"""What is known of decisions reaches those who answer, however much of it there is at once."""

import socket
from collections.abc import Iterator, Sequence

import pytest

from argos_gitops.app.verdict_feed import FedBouncers, Feed, FeedPublisher
from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import Placed
from argos_gitops.ports.verdict import Kept, Standing
from argos_gitops.providers.crowdsec.bouncer.index import Decision, DecisionIndex
from argos_gitops.providers.crowdsec.bouncer.publication import Publication

NEVER = 2**31
Ends = tuple[FeedPublisher, FedBouncers, socket.socket, Feed]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A feed of the edge `main`, and what it feeds."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        feed = Feed([ours])
        feed.edges(["main"])
        yield feed.publisher("main"), FedBouncers(theirs), ours, feed


def remedy(fed: FedBouncers, address: str) -> Remedy:
    bouncer = fed.of_edge("main")
    assert bouncer is not None
    return bouncer.verdict(address).remedy


@pytest.mark.parametrize(("addresses", "of_each"), [(300, 12), (1, 4000), (4000, 1)])
def test_many_decisions_at_once_end_nobody(ends: Ends, addresses: int, of_each: int) -> None:
    """Several lists, or a scenario again and again, ban one address many times."""
    publisher, fed, ours, feed = ends
    index = DecisionIndex()
    publication = Publication(index, publisher)
    publication.publish()
    for number in range(addresses):
        for again in range(of_each):
            value = f"10.0.{number // 256}.{number % 256}"
            index.add(Decision(number * of_each + again + 1, value, "ban", "cscli-import", NEVER - again))
    publication.publish()
    fed.take()
    assert remedy(fed, "10.0.0.0") is Remedy.BAN
    fed.hello()
    feed.hear(ours)
    fed.take()
    assert fed.heard_everything
    assert remedy(fed, "10.0.0.0") is Remedy.BAN


class Failing:
    """A publisher. Has no room for the first table, as where no descriptor is left."""

    def __init__(self) -> None:
        self.tables: list[bytes] = []
        self.told: list[Sequence[Placed]] = []
        self.room = False

    def kept(self) -> Kept | None:
        return None

    def stands(self, standing: Standing) -> None:
        return

    def table(self, packed: bytes) -> None:
        if not self.room:
            raise OSError("no descriptor is left")
        self.tables.append(packed)

    def changes(self, changes: Sequence[Placed]) -> None:
        if not self.room:
            raise OSError("no descriptor is left")
        self.told.append(changes)


def test_what_could_not_be_made_known_is_made_known_later() -> None:
    """A table, and a change: nothing that was taken out of the index is lost."""
    failing, index = Failing(), DecisionIndex()
    publication = Publication(index, failing)
    with pytest.raises(OSError, match="descriptor"):
        publication.publish()
    failing.room = True
    publication.publish()
    assert len(failing.tables) == 1
    index.add(Decision(1, "203.0.113.7", "ban", "cscli", NEVER))
    failing.room = False
    with pytest.raises(OSError, match="descriptor"):
        publication.publish()
    failing.room = True
    publication.publish()
    publication.publish()
    assert (len(failing.tables), failing.told) == (2, [])
