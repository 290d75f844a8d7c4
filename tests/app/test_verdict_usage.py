"""What other processes answered, as the process of the bouncers adds it up."""

import socket
from collections.abc import Iterator

import pytest

from argos_gitops.app.channel import NUMBERS
from argos_gitops.app.verdict_feed import FedBouncers, Feed
from argos_gitops.app.verdict_usage import VerdictUsage
from argos_gitops.model.verdict import Counted
from argos_gitops.ports.verdict import Usage
from argos_gitops.web.counts import OTHER, Counts, VerdictCounts, encode_counts

BAN = Counted("main", "ban", "cscli", "ipv4")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        end.setblocking(False)
    yield pair
    for end in pair:
        end.close()


def fed(reader: socket.socket, *edges: str) -> Feed:
    feed = Feed([reader])
    feed.edges(edges)
    return feed


def test_answers_are_added_up_by_origin_remedy_and_family() -> None:
    usage = VerdictUsage()
    usage.edges(["main", "other"])
    main, other = usage.of_edge("main"), usage.of_edge("other")
    captcha = Counted("main", "captcha", "CAPI", "ipv6")
    unsure = [Counted("main", word, "", "ipv4") for word in ("allow", "unknown-allowed", "unknown-refused")]
    for counts in ({BAN: 2, captcha: 1}, {BAN: 1}, dict.fromkeys(unsure, 1), {BAN._replace(edge="gone"): 5}):
        usage.take(encode_counts(counts))
    dropped = {("cscli", "ban", "ipv4"): 3, ("CAPI", "captcha", "ipv6"): 1}
    assert main.usage() == Usage({"ipv4": 6, "ipv6": 1}, dropped)
    assert other.usage() == Usage()


def test_counts_of_an_edge_never_shrink_and_one_that_comes_back_begins_at_zero() -> None:
    usage = VerdictUsage()
    usage.edges(["main"])
    before = usage.of_edge("main")
    usage.take(encode_counts({BAN: 3}))
    usage.edges([])
    usage.take(encode_counts({BAN: 1}))
    assert before.usage().processed == {"ipv4": 3}
    usage.edges(["main"])
    usage.take(encode_counts({BAN: 1}))
    assert (before.usage().processed, usage.of_edge("main").usage().processed) == ({"ipv4": 3}, {"ipv4": 1})


def test_however_many_origins_there_are_memory_is_bounded_and_no_count_is_lost() -> None:
    usage = VerdictUsage()
    usage.edges(["main"])
    for number in range(3000):
        usage.take(encode_counts({BAN._replace(origin=str(number)): 1}))
    dropped = usage.of_edge("main").usage().dropped
    assert len(dropped) <= 1001
    assert (sum(dropped.values()), dropped[OTHER, "ban", "ipv4"]) == (3000, 2000)


def test_a_process_that_was_taken_over_ends_nobody_with_what_it_says(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """Nonsense is passed over; what is none of our words is counted nowhere."""
    theirs, ours = ends
    feed = fed(ours, "main")
    bad_family = encode_counts({BAN._replace(family="ipv5"): 1})
    for packet in (b"x", NUMBERS, NUMBERS + b"[" * 60_000, NUMBERS + b"[[1]]", NUMBERS + bad_family):
        theirs.send(packet)
        feed.hear(ours)
    theirs.send(NUMBERS + encode_counts({BAN: 1}))
    feed.hear(ours)
    assert feed.usage.of_edge("main").usage() == Usage({"ipv4": 1}, {("cscli", "ban", "ipv4"): 1})


def test_counts_ask_for_nothing_to_be_told_anew(ends: tuple[socket.socket, socket.socket]) -> None:
    """Only who has just begun is told everything."""
    theirs, ours = ends
    feed, bouncers = fed(ours, "main"), FedBouncers(theirs)
    assert bouncers.count({BAN: 1})
    feed.hear(ours)
    bouncers.take()
    assert not bouncers.heard_everything
    bouncers.hello()
    feed.hear(ours)
    bouncers.take()
    assert bouncers.heard_everything


def test_what_was_counted_while_the_bouncers_are_away_waits_for_the_next_and_counts_once(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """In the socket while it has room, then where it was counted."""
    theirs, ours = ends
    bouncers, counts, asked = FedBouncers(theirs), VerdictCounts(), 0
    first = fed(ours, "main")
    bouncers.count({BAN: 7})
    first.hear(ours)
    while not _is_full(counts):
        counts.add(BAN)
        asked += 1
        counts.send(bouncers.count)
    second = fed(ours, "main")
    for _ in range(2 * asked):
        second.hear(ours)
        counts.send(bouncers.count)
    assert first.usage.of_edge("main").usage().processed == {"ipv4": 7}
    assert second.usage.of_edge("main").usage().processed == {"ipv4": asked}


def _is_full(counts: VerdictCounts) -> bool:
    """Whether something waits that found no room."""
    waits = False

    def look(some: Counts) -> bool:
        nonlocal waits
        waits = True
        return False

    counts.send(look)
    return waits


def test_a_reader_that_never_ceases_keeps_nobody_from_the_others(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    theirs, ours = ends
    feed, bouncers = fed(ours, "main"), FedBouncers(theirs)
    sent = 0
    while sent < 250 and bouncers.count({BAN: 1}):
        sent += 1
    feed.hear(ours)
    assert feed.usage.of_edge("main").usage().processed["ipv4"] == min(sent, 100)
    for _ in range(3):
        feed.hear(ours)
    assert feed.usage.of_edge("main").usage().processed["ipv4"] == sent
