"""Targets side by side, in a bounded pool of threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_WORKERS = 8


def side_by_side(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """`work` of each item, in the order of `items`; one item alone needs no thread."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_WORKERS, len(items)), thread_name_prefix="target") as pool:
        return list(pool.map(work, items))
