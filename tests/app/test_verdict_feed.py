"""What is known of decisions reaches those who answer, however much of it there is at once."""

import os
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from argos_gitops.app.verdict_feed import FedBouncers, Feed, FeedPublisher
from argos_gitops.model.verdict import Remedy
from argos_gitops.planning.decisions import Placed
from argos_gitops.ports.verdict import Kept, Standing
from argos_gitops.providers.crowdsec.bouncer.index import Decision, DecisionIndex
from argos_gitops.providers.crowdsec.bouncer.publication import Publication
from tests.providers.crowdsec.test_bouncer_index import banned, index_of

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


@pytest.mark.parametrize("left", [0, 1])
def test_what_there_was_no_descriptor_for_is_not_heard(ends: Ends, left: int) -> None:
    """Who took in everything but the table would let in whoever is banned; it is asked for again."""
    publisher, fed, ours, feed = ends
    publisher.table(index_of(banned(1, "203.0.113.7", end=NEVER)).pack())
    fed.take()
    late = FedBouncers(fed._feed)  # noqa: SLF001 # the process before it was killed
    late.hello()
    feed.hear(ours)
    with few_descriptors(left):
        late.take()
        assert not late.heard_everything
    for _ in range(3):
        feed.hear(ours)
        late.take()
    assert late.heard_everything
    assert remedy(late, "203.0.113.7") is Remedy.BAN


@contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """There are no more than so many to be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(int(each.name) for each in Path("/proc/self/fd").iterdir()) + 2, hard)
    )
    taken = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(left):
            os.close(taken.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in taken:
            os.close(each)


def test_an_agent_that_was_killed_with_something_unread_ends_nothing() -> None:
    """The kernel resets such a connection instead of closing it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        fed = FedBouncers(theirs)
        fed.hello()
        ours.close()
        fed.take()
        assert not fed.heard_everything
