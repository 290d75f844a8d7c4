"""Tokens of Docker hosts: hashes, each for one host, for as long as it holds."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from argos_gitops.ports.host_tokens import HostToken
from argos_gitops.store.docker_tokens import SqlHostTokens

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def tokens(store: Engine) -> SqlHostTokens:
    return SqlHostTokens(store, "one")


def token(host: str = "vm-1", at: datetime = NOW) -> HostToken:
    return HostToken(host, at, "user/ann@desk")


def test_a_token_speaks_for_its_host(store: Engine, tokens: SqlHostTokens) -> None:
    """In its own instance alone."""
    assert not tokens.exist()
    tokens.add("d1", token())
    assert tokens.exist()
    assert tokens.host_of("d1", NOW + 1000 * HOUR) == "vm-1"
    assert tokens.host_of("d2", NOW) is None
    assert tokens.is_bound("vm-1")
    assert not tokens.is_bound("vm-2")
    other = SqlHostTokens(store, "two")
    assert (other.host_of("d1", NOW), other.is_bound("vm-1"), other.exist()) == (None, False, False)


def test_a_token_that_was_replaced_holds_until_its_end(tokens: SqlHostTokens) -> None:
    tokens.add("old", token())
    assert tokens.end("vm-1", NOW + HOUR) == 1
    tokens.add("new", token(at=NOW + timedelta(minutes=1)))
    assert tokens.host_of("old", NOW + HOUR - timedelta(seconds=1)) == "vm-1"
    assert tokens.host_of("old", NOW + HOUR) is None
    assert tokens.host_of("new", NOW + HOUR) == "vm-1"
    assert [each.expires_at for each in tokens.all()] == [None, NOW + HOUR]


def test_an_end_is_never_put_off(tokens: SqlHostTokens) -> None:
    """A second rotation gives the first token no more time."""
    tokens.add("d1", token())
    tokens.end("vm-1", NOW + HOUR)
    assert tokens.end("vm-1", NOW + 2 * HOUR) == 0
    assert tokens.all()[0].expires_at == NOW + HOUR


def test_a_host_stays_bound_when_nothing_holds_any_more(tokens: SqlHostTokens) -> None:
    """Until it is forgotten."""
    tokens.add("d1", token())
    tokens.end("vm-1", NOW)
    assert tokens.host_of("d1", NOW) is None
    assert tokens.is_bound("vm-1")
    tokens.forget("vm-1")
    assert not tokens.is_bound("vm-1")


def test_what_is_over_goes_with_the_next_token(tokens: SqlHostTokens) -> None:
    """Of the same host."""
    for host in ("vm-1", "vm-2"):
        tokens.add(f"old-{host}", token(host))
        tokens.end(host, NOW)
    tokens.add("new", token(at=NOW + HOUR))
    assert [(each.host_id, each.created_at) for each in tokens.all()] == [("vm-1", NOW + HOUR), ("vm-2", NOW)]
