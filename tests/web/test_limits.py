"""How often one address may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.web import limits
from argos_gitops.web.answers import RefusalError
from argos_gitops.web.limits import RateLimit


class Watch:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _asks(limit: RateLimit, address: str) -> bool:
    try:
        limit.check(address)
    except RefusalError:
        return False
    limit.count(address)
    return True


def test_a_burst_then_one_at_a_time() -> None:
    watch = Watch()
    limit = RateLimit(5, 2.0, watch)
    assert [_asks(limit, "a") for _ in range(7)] == [True] * 5 + [False] * 2
    assert _asks(limit, "b"), "another address has its own"
    watch.now += 2
    assert [_asks(limit, "a") for _ in range(2)] == [True, False]
    watch.now += 3600
    assert [_asks(limit, "a") for _ in range(6)] == [True] * 5 + [False]


def test_whoever_has_to_wait_is_told_how_long() -> None:
    """Retry-After is in whole seconds, and never says 0."""
    limit = RateLimit(1, 0.1, Watch())
    limit.count("a")
    with pytest.raises(RefusalError) as refused:
        limit.check("a")
    assert (refused.value.status, dict(refused.value.headers or {})) == (429, {"Retry-After": "1"})


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not asked for longest is forgotten first."""
    monkeypatch.setattr(limits, "_MOST_ADDRESSES", 3)
    limit = RateLimit(1, 60.0, Watch())
    for address in "abca":
        limit.count(address)
    limit.count("d")
    assert [limit.wait(address) > 0 for address in "abcd"] == [True, False, True, True]


@given(st.integers(1, 20), st.lists(st.floats(0, 10), max_size=100))
def test_never_more_than_the_burst_and_its_refill(burst: int, pauses: list[float]) -> None:
    """Over any span: at most the burst and one for each unit of time that passed."""
    watch = Watch()
    limit = RateLimit(burst, 1.0, watch)
    served = 0
    for pause in pauses:
        watch.now += pause
        served += _asks(limit, "a")
        assert served <= burst + (watch.now - 1000.0) + 1e-6
