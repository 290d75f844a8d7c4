"""How time passes for us alone, whatever clocks are set to."""

import time


def elapsed() -> float:
    """Seconds that only ever grow, at the true pace, the sleep of the machine included (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
