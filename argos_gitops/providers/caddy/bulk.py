"""Building very many small objects at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's cycle collector, for a block that builds trees and no cycles.

    It would walk all that exists again and again while nothing can be freed: parsing 10,000 routes
    takes 40 ms without it, and 250 ms or more with it. Threads may overlap: whoever found the collector
    on turns it on again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
