"""Names that one process of the machine has at a time, for what test runs share: ports and addresses.

A name is a Unix socket in Linux's abstract namespace (unix(7)): no file stays behind, however its owner
ends, and it is known exactly where those ports and addresses are, in one network namespace, whichever
temporary folder or root file system a test run has.
"""

import errno
import socket


def claim(name: str) -> socket.socket | None:
    """The name is ours until the socket is closed or this process ends; None where somebody has it."""
    claimed = socket.socket(socket.AF_UNIX)
    try:
        claimed.bind(f"\0{name}")
    except OSError as error:
        claimed.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return claimed
