"""The verdict cache never makes an answer wrong, and stays small."""

import math

from argos_gitops.model.verdict import Remedy, Verdict
from argos_gitops.providers.crowdsec.bouncer.verdicts import VerdictCache

_BAN = Verdict(Remedy.BAN, "cscli", "203.0.113.7")


def kept(end: float = math.inf) -> VerdictCache:
    cache = VerdictCache()
    cache.get("203.0.113.7", 1, 100.0)
    cache.keep("203.0.113.7", _BAN, 100.0, end)
    return cache


def test_a_verdict_is_kept_for_30_seconds() -> None:
    cache = kept()
    assert cache.get("203.0.113.7", 1, 129.9) is _BAN
    assert cache.get("203.0.113.7", 1, 130.0) is None


def test_a_verdict_ends_with_its_decision() -> None:
    assert kept(end=110.0).get("203.0.113.7", 1, 110.0) is None


def test_whatever_comes_or_goes_makes_all_verdicts_new() -> None:
    assert kept().get("203.0.113.7", 2, 101.0) is None


def test_the_sweeper_takes_what_is_over() -> None:
    cache = kept()
    cache.keep("203.0.113.8", _BAN, 120.0, math.inf)
    cache.sweep(131.0)
    assert len(cache) == 1


def test_it_does_not_grow_without_end() -> None:
    cache = kept()
    for number in range(30_000):
        cache.keep(f"2001:db8::{number:x}", _BAN, 100.0, math.inf)
    assert len(cache) == 20_000
