"""Where the programs of real components are found: the component cache first, then PATH."""

import os
import shutil
from pathlib import Path


class MissingComponentError(Exception):
    """A program that is neither in the component cache nor on PATH; the text says how to get it."""


def component_cache() -> Path:
    """The folder that `scripts/components` fills: ARGOS_COMPONENTS, or one in the user's cache."""
    chosen = os.environ.get("ARGOS_COMPONENTS")
    if chosen:
        return Path(chosen)
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user_cache) / "argos-gitops" / "components"


def find_program(program: str, how_to_get: str) -> Path:
    """The real path of `program`, symlinks followed; raises MissingComponentError where there is none."""
    # sshd and its like stand in /usr/sbin, which is on the PATH of root alone.
    folders = os.pathsep.join([str(component_cache() / "bin"), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(program, path=folders)
    if found is None:
        raise MissingComponentError(f"{program} is not here; get it with: {how_to_get}")
    return Path(found).resolve()


def libraries_beside(program: Path) -> list[str]:
    """The folders of libraries that came with `program`, where Debian's packages were only unpacked."""
    root = program.parents[2]
    if root == Path("/"):
        return []
    return sorted(
        {str(found.parent) for part in ("lib", "usr/lib") for found in root.glob(f"{part}/*/*.so.*")}
    )
