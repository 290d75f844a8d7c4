"""Shares of targets: every target has one holder, and finds another when that one is gone."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from argos_gitops.model.errors import StoreError
from argos_gitops.store.database import open_database
from argos_gitops.store.leases import SqlLeases
from argos_gitops.store.statements import count_up
from tests.components.postgres import RealPostgres

TARGETS = [f"Edge/{number}" for number in range(9)]
SHORT = timedelta(milliseconds=300)

Replica = Callable[..., SqlLeases]


@pytest.fixture
def replica(open_store: Callable[[], Engine]) -> Replica:
    """Another process of the instance, called as said; its share lasts a minute unless said otherwise."""

    def make(name: str, term: timedelta = timedelta(minutes=1)) -> SqlLeases:
        return SqlLeases(open_store(), "one", name, term)

    return make


def rounds(replicas: Mapping[str, SqlLeases], count: int = 2) -> dict[str, frozenset[str]]:
    """What each has, once all have asked `count` times in turn."""
    for _ in range(count):
        shares = {name: leases.share(TARGETS) for name, leases in replicas.items()}
    return shares


def assert_divided(shares: Mapping[str, frozenset[str]]) -> None:
    count = Counter(target for share in shares.values() for target in share)
    assert count == Counter(TARGETS)


def test_one_replica_has_all(replica: Replica) -> None:
    leases = replica("a")
    assert leases.share(TARGETS) == frozenset(TARGETS)
    assert leases.held() == frozenset(TARGETS)


def test_replicas_that_join_get_their_share(replica: Replica) -> None:
    """Evenly, once everybody has asked again; and then nothing moves any more."""
    replicas = {"a": replica("a")}
    rounds(replicas)
    replicas |= {"b": replica("b"), "c": replica("c")}
    shares = rounds(replicas)
    assert_divided(shares)
    assert {len(share) for share in shares.values()} == {3}
    assert rounds(replicas, 5) == shares


def test_nobody_has_what_another_did_not_give_up(replica: Replica) -> None:
    """At no time, whoever asks next, is a target with two."""
    a, b = replica("a"), replica("b")
    a.share(TARGETS)
    assert b.share(TARGETS) == frozenset()
    for leases in (a, b, b, a, b):
        leases.share(TARGETS)
        assert not a.held() & b.held()
    assert_divided({"a": a.held(), "b": b.held()})


def test_a_replica_that_leaves_hands_over_at_once(replica: Replica) -> None:
    a, b = replica("a"), replica("b")
    rounds({"a": a, "b": b})
    a.release()
    assert a.held() == frozenset()
    assert b.share(TARGETS) == frozenset(TARGETS)


def test_the_share_of_the_dead_moves_when_it_has_run_out(replica: Replica) -> None:
    a, b = replica("a", SHORT), replica("b")
    rounds({"a": a, "b": b})
    while b.share(TARGETS) != frozenset(TARGETS):
        time.sleep(0.05)
    assert a.held() == frozenset()
    assert len(a.share(TARGETS)) == 0, "what b has, b must give up first"


def test_whoever_cannot_renew_considers_all_lost(replica: Replica) -> None:
    """Without being told, from its own clock alone."""
    a = replica("a", SHORT)
    a.share(TARGETS)
    while a.held():
        time.sleep(0.02)
    assert a.held() == frozenset()


def test_a_target_that_left_git_is_nobodys(replica: Replica) -> None:
    a, b = replica("a"), replica("b")
    rounds({"a": a, "b": b})
    few = TARGETS[:1]
    shares = [leases.share(few) for _ in range(3) for leases in (a, b)][-2:]
    assert sorted(len(share) for share in shares) == [0, 1]


def test_replicas_may_be_limited_to_targets(replica: Replica) -> None:
    """An agent beside its own edge never gets another, and what only it may do is not left to it alone."""
    a, b = replica("a"), replica("b")
    for _ in range(3):
        here, anywhere = a.share(TARGETS[:2]), b.share(TARGETS)
    assert here == frozenset(TARGETS[:2])
    assert anywhere == frozenset(TARGETS[2:])


def test_instances_share_nothing(open_store: Callable[[], Engine]) -> None:
    one, two = SqlLeases(open_store(), "one", "a"), SqlLeases(open_store(), "two", "b")
    assert one.share(TARGETS) == two.share(TARGETS) == frozenset(TARGETS)


def test_a_database_that_is_gone_is_a_store_error(
    make_postgres: Callable[..., RealPostgres],
) -> None:
    """What is held stays held until its term, and comes back with the database."""
    server = make_postgres()
    engine = open_database(server.new_database())
    leases = SqlLeases(engine, "one", "a", timedelta(seconds=60))
    leases.share(TARGETS)
    server.kill()
    with pytest.raises(StoreError):
        leases.share(TARGETS)
    assert leases.held() == frozenset(TARGETS)
    server.start()
    assert leases.share(TARGETS) == frozenset(TARGETS)
    engine.dispose()


def test_a_replica_that_stands_still_inside_a_transaction_holds_nobody_up(postgres: RealPostgres) -> None:
    """Paused where it keeps the others from dividing: PostgreSQL ends its session, and it notices."""
    url = postgres.new_database()
    paused, other = open_database(url), open_database(url)
    with paused.connect() as connection:
        count_up(connection, "one", "shares")
        assert SqlLeases(other, "one", "b").share(TARGETS) == frozenset(TARGETS)
        with pytest.raises(DBAPIError, match="idle-in-transaction"):
            count_up(connection, "one", "shares")
    assert SqlLeases(paused, "one", "a").share(TARGETS) == frozenset()
    paused.dispose()
    other.dispose()
