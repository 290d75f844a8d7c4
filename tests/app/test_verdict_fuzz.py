"""Whatever comes, goes, ends, breaks off or is killed: what answers agrees with a plain list of decisions."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.app import verdict_feed
from argos_gitops.app.last_known import LastKnown
from argos_gitops.app.verdict_feed import FedBouncers, Feed
from argos_gitops.model.errors import TransientError
from argos_gitops.model.verdict import Remedy
from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.verdict import Kept, Standing
from argos_gitops.providers.crowdsec.bouncer import index as index_module
from argos_gitops.providers.crowdsec.bouncer import publication as publication_module
from argos_gitops.providers.crowdsec.bouncer.index import Decision
from argos_gitops.providers.crowdsec.bouncer.mirror import Mirror
from argos_gitops.providers.crowdsec.bouncer.publication import Publication
from argos_gitops.providers.crowdsec.bouncer.stream import Row
from tests.providers.crowdsec.plain_decisions import Network, network_of, plain_answers

EDGE = "main"
FRESH_FOR = 10_000.0
BEGIN = 1000.0

addresses = st.sampled_from(
    [
        "203.0.113.7",
        "203.0.113.8",
        "203.0.112.1",
        "::ffff:203.0.113.7",
        "198.51.100.1",
        "2001:db8::7",
        "2001:db8::8",
        "2001:db8:1::1",
        "::1",
    ]
)
networks = st.sampled_from(
    [
        "203.0.113.0/24",
        "203.0.113.7/32",
        "203.0.112.0/23",
        "0.0.0.0/0",
        "::ffff:203.0.113.0/120",
        "2001:db8::/32",
        "2001:db8::/64",
        "2001:db8::7/128",
        "2001:db8::6/127",
        "::/0",
        "::/96",
    ]
)
elsewhere = st.sampled_from(["NG", "AS64496", "somebody", "", "203.0.113.7/40", "203.0.113.0/24/24", "1.2.3"])
decisions = st.builds(
    Decision,
    id=st.integers(1, 12),
    value=addresses | networks | elsewhere,
    type=st.sampled_from(["ban", "captcha", "throttle"]),
    origin=st.sampled_from(["cscli", "CAPI", "lists:caf\u00e9"]),
    end=st.integers(900, 1600),
)


@dataclass(frozen=True)
class Look:
    """What LAPI answers; after `broken` rows it breaks off."""

    everything: bool
    rows: Sequence[Row]
    broken: int | None


Step = Look | int | Literal["reader", "bouncers", "deaf", "hears"]
"""Or seconds that pass, a process that is killed, or one that takes nothing in for a while."""

looks = st.builds(
    Look,
    everything=st.booleans(),
    rows=st.lists(st.tuples(st.sampled_from([True, True, False]), decisions), max_size=8),
    broken=st.none() | st.none() | st.integers(0, 8),
)
steps = st.lists(
    looks | looks | looks | st.integers(1, 300) | st.sampled_from(["reader", "bouncers", "deaf", "hears"]),
    max_size=14,
)


@dataclass
class Told:
    """The plain list: what LAPI said, by id and network."""

    standing: dict[tuple[int, Network], Decision] = field(default_factory=dict)

    def hear(self, look: Look, *, everything: bool) -> None:
        whole = look.broken is None or look.broken >= len(look.rows)
        seen: dict[tuple[int, Network], Decision] = {}
        for in_force, decision in look.rows[: look.broken]:
            try:
                key = decision.id, network_of(decision.value)
            except ValueError:
                continue
            if in_force:
                self.standing[key] = seen[key] = decision
            elif not everything:
                self.standing.pop(key, None)
        if everything and whole:
            self.standing = seen


class World:
    """A LAPI, the process that mirrors it, and one that answers, without the processes."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._feeding, self._fed, *self._kept = sockets
        self.now = BEGIN
        self.deaf = False
        self._look = Look(everything=True, rows=(), broken=None)
        self._asked_for_everything = False
        self.told = Told()
        self._held: Told | None = None
        self._kept_before: Kept | None = None
        self._begin_bouncers()
        self._begin_reader()

    def step(self, step: Step) -> None:
        if isinstance(step, Look):
            self._hear(step)
        elif isinstance(step, int):
            self.now += step
        elif step == "reader":
            self._begin_reader()
        elif step == "bouncers":
            self._held = self.answering
            self.told = Told()
            self._begin_bouncers()
        else:
            self.deaf = step == "deaf"
        self._feed.hear(self._feeding)
        self._feed.catch_up()
        if not self.deaf:
            self._answers.take()
            self._feed.catch_up()
            self._answers.take()

    @property
    def answering(self) -> Told:
        """Until LAPI was heard once, what the process before made known is answered by."""
        return self.told if self._held is None else self._held

    def check(self, address: str) -> None:
        bouncer = self._answers.of_edge(EDGE)
        if not self._answers.heard_everything or bouncer is None:
            return
        found = bouncer.verdict(address)
        right = plain_answers(self.answering.standing.values(), address, self.now)
        if found.remedy is Remedy.ALLOW:
            assert right == {None}
        elif found.certain:
            shown = (found.remedy, found.origin, network_of(found.scope), int(found.until))
            assert shown in right
        else:
            assert right == {None}

    @property
    def _decisions(self) -> int:
        return len(self._mirror.index) if self._kept_before is None else self._kept_before.decisions

    def _hear(self, look: Look) -> None:
        if look.everything:
            self._mirror.distrust()
        self._look = look
        try:
            self._mirror.look(self)
            self._publication.release()
            self._kept_before = None
            self._held = None
        except TransientError:
            pass
        self.told.hear(look, everything=self._asked_for_everything)
        self._publication.publish()
        fresh_at = self._mirror.fresh_at
        self._publisher.stands(Standing(fresh_at, FRESH_FOR, True, self._decisions, Subsystem("", "ok")))

    @contextmanager
    def rows(self, *, everything: bool) -> Iterator[Iterator[Row]]:
        """As a `mirror.Stream`."""
        self._asked_for_everything = everything
        yield self._broken_rows()

    def _broken_rows(self) -> Iterator[Row]:
        for number, row in enumerate(self._look.rows):
            if number == self._look.broken:
                raise TransientError("it broke off")
            yield row

    def _begin_bouncers(self) -> None:
        self._feed = Feed([self._feeding], LastKnown(*self._kept))
        self._feed.edges([EDGE])
        self._publisher = self._feed.publisher(EDGE)
        self._mirror = Mirror(lambda: self.now)
        self._publication = Publication(self._mirror.index, self._publisher, lambda: self.now)
        self._kept_before = self._publisher.kept()
        if self._kept_before is None:
            self._held = None
        else:
            self._mirror.fresh_at = self._kept_before.fresh_at
            self._publication.hold()

    def _begin_reader(self) -> None:
        self._answers = FedBouncers(self._fed, lambda: self.now)
        self._answers.hello()


@contextmanager
def world() -> Iterator[World]:
    """With little room in its sockets, so that messages are lost, and limits that are soon reached."""
    ends = [end for _ in range(2) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict_feed, "_LARGEST_SENT", 300)
        patch.setattr(index_module, "MOST_CHANGES", 4)
        patch.setattr(publication_module, "MOST_CHANGES", 4)
        try:
            for end in ends:
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
            yield World(ends)
        finally:
            for end in ends:
                end.close()


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(addresses, min_size=1, max_size=4))
def test_what_answers_agrees_with_a_plain_list(done: list[Step], asked: list[str]) -> None:
    """After each step, and once more when everybody has heard everything."""
    with world() as there:
        for step in [*done, "hears"]:
            there.step(step)
            if not there.deaf:
                for address in asked:
                    there.check(address)
        assert there._answers.heard_everything  # noqa: SLF001 # else nothing was checked
