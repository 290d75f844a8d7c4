"""Which code this is: what was remembered by other code is computed anew."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

import argos_gitops


@cache
def build_fingerprint() -> str:
    """Version plus size and time of each module, so that an edited checkout is a build of its own."""
    digest = blake2b(argos_gitops.__version__.encode(), digest_size=8)
    for path in sorted(Path(argos_gitops.__file__).parent.rglob("*.py")):
        stat = path.stat()
        digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()
