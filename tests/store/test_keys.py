"""The key of digests that others read: random, made once, the same for all who share a store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from argos_gitops.store.database import open_database
from argos_gitops.store.keys import digest_key


def test_a_store_has_one_key_whoever_asks(open_store: Callable[[], Engine]) -> None:
    key = digest_key(open_store())
    assert len(key) == 32
    assert digest_key(open_store()) == key


def test_those_who_ask_at_once_get_the_same(open_store: Callable[[], Engine]) -> None:
    engines = [open_store() for _ in range(6)]
    with ThreadPoolExecutor(len(engines)) as pool:
        assert len(set(pool.map(digest_key, engines))) == 1


def test_another_store_has_another_key(store: Engine) -> None:
    other = open_database("sqlite:///:memory:")
    assert digest_key(other) != digest_key(store)
    other.dispose()
