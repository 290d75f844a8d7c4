"""Counted answers on their way: each is sent once, or waits, and what waits is bounded."""

import json

import pytest

from argos_gitops.model.verdict import Counted
from argos_gitops.web.counts import MOST_KEPT, OTHER, Counts, VerdictCounts, decode_counts, encode_counts

BAN = Counted("main", "ban", "cscli", "ipv4")
ALLOW = Counted("main", "allow", "", "ipv6")


class Socket:
    """Takes so many packets, and no more."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.taken: dict[Counted, int] = {}
        self.longest = 0

    def take(self, counts: Counts) -> bool:
        if not self.room:
            return False
        self.room -= 1
        packet = encode_counts(counts)
        self.longest = max(self.longest, len(packet))
        for counted, number in decode_counts(packet).items():
            self.taken[counted] = self.taken.get(counted, 0) + number
        return True


def test_each_count_is_sent_once() -> None:
    counts, socket = VerdictCounts(), Socket()
    counts.add(BAN)
    counts.add(BAN, 2)
    counts.add(ALLOW)
    counts.send(socket.take)
    counts.send(socket.take)
    assert socket.taken == {BAN: 3, ALLOW: 1}
    counts.add(BAN)
    counts.send(socket.take)
    assert socket.taken == {BAN: 4, ALLOW: 1}


def test_what_finds_no_room_is_sent_later_and_what_found_it_is_not_sent_again() -> None:
    counts, socket = VerdictCounts(), Socket(room=1)
    several = [BAN._replace(origin=f"origin-{number}") for number in range(120)]
    for counted in several:
        counts.add(counted)
    counts.send(socket.take)
    assert 0 < len(socket.taken) < len(several)
    counts.send(socket.take)
    socket.room = 100
    counts.add(several[0])
    counts.send(socket.take)
    assert socket.taken == dict.fromkeys(several, 1) | {several[0]: 2}


def test_what_waits_is_bounded_and_loses_its_origin_but_no_count() -> None:
    counts, socket = VerdictCounts(), Socket()
    number = 3 * MOST_KEPT
    for each in range(number):
        counts.add(BAN._replace(origin=f"{each:04}" + "\N{ROCKET}" * 60))
    counts.send(socket.take)
    assert len(socket.taken) == MOST_KEPT + 1
    assert sum(socket.taken.values()) == number
    assert socket.taken[BAN._replace(origin=OTHER)] == number - MOST_KEPT
    assert socket.longest < 64 * 1024


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\xff",
        b"{}",
        b"[1]",
        b"[[]]",
        b'[["main", "ban", "cscli", 1]]',
        *(
            json.dumps([["main", "ban", "cscli", "ipv4", number]]).encode()
            for number in (0, -1, 1.5, True, None, "1")
        ),
        b'[["main", "ban", null, "ipv4", 1]]',
    ],
)
def test_what_is_no_count_is_refused(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_counts(nonsense)
