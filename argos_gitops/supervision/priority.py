"""Who gives way to whom on a busy machine."""

import os
import threading
from contextlib import suppress

_NICE = 5


def give_way() -> None:
    """From now on this thread, and whatever it starts, gives way to those that answer visitors.

    On Linux each thread has a nice value of its own (setpriority(2)), which its children inherit.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
