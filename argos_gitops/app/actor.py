"""Who does something, as the audit log names it."""

import getpass
import socket


def person() -> str:
    """`user/NAME@HOST` of whoever runs this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        name = "unknown"
    return f"user/{name}@{socket.gethostname()}"


def agent(instance: str) -> str:
    return f"agent/{instance}"
