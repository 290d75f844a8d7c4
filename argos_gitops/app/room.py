"""Whether the state folder's disk has room."""

import os
from pathlib import Path

_LEAST = 256 * 1024


def full_disk(folder: Path) -> str:
    """What is wrong, in words, where the disk has no room; empty where it has, or where nobody can tell."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return ""
    free = disk.f_bavail * disk.f_frsize
    if free >= _LEAST:
        return ""
    return (
        f"the disk of the state folder is full ({free:,} bytes are left): nothing is kept until there is room"
    )
