"""Replicas describe themselves; whoever was not seen for an hour is no replica any more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, update

from argos_gitops.ports.health import Replica, Subsystem
from argos_gitops.store.replicas import SqlReplicas
from argos_gitops.store.tables import replicas as table

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def replica(name: str) -> Replica:
    edge = Subsystem("Edge/main", "waiting", NOW, NOW, "Unreachable", NOW + timedelta(minutes=1), "backoff")
    return Replica(name, NOW, ("Edge/main",), (Subsystem("source", "ok"), edge), NOW, "1.2.3")


def test_a_description_comes_back_with_the_time_of_the_database(store: Engine) -> None:
    replicas = SqlReplicas(store, "one")
    before = replicas.now()
    replicas.beat(replica("host-1-b"))
    replicas.beat(replica("host-1-a"))
    first, second = replicas.all()
    assert before <= first.seen_at <= replicas.now()
    assert [first.name, second.name] == ["host-1-a", "host-1-b"]
    assert first == replace(replica("host-1-a"), seen_at=first.seen_at)


def test_the_newest_description_counts(store: Engine) -> None:
    replicas = SqlReplicas(store, "one")
    replicas.beat(replica("a"))
    replicas.beat(Replica("a", NOW, (), ()))
    assert [(each.targets, each.subsystems) for each in replicas.all()] == [((), ())]


def test_whoever_is_long_gone_is_forgotten(store: Engine) -> None:
    """Not told after an hour, and removed when another one leaves."""
    replicas = SqlReplicas(store, "one")
    for name in ("old", "leaving", "stays"):
        replicas.beat(replica(name))
    with store.begin() as connection:
        long_ago = replicas.now() - timedelta(minutes=61)
        connection.execute(update(table).where(table.c.name == "old").values(seen_at=long_ago))
    assert [each.name for each in replicas.all()] == ["leaving", "stays"]
    replicas.forget("leaving")
    with store.connect() as connection:
        assert [row.name for row in connection.execute(table.select())] == ["stays"]


def test_instances_do_not_see_each_other(store: Engine) -> None:
    SqlReplicas(store, "one").beat(replica("a"))
    assert list(SqlReplicas(store, "two").all()) == []
