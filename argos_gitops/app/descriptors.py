"""How many descriptors a process may have."""

import resource

_MOST = 65_536


def allow_many() -> int:
    """Raises the limit as far as it may be: the usual 1,024 is for people at a shell. What it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < _MOST else _MOST
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
