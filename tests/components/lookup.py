"""Where the programs of real components are found: the component cache first, then PATH."""

import fcntl
import os
import shutil
from pathlib import Path

_SCRIPT = "scripts/components "


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
    """The real path of `program`, symlinks followed; raises MissingComponentError where there is none.

    Waits for it while `how_to_get` (`scripts/components NAME`) is under way: scripts/test builds some
    components beside the tests.
    """
    found = _look_up(program)
    if found is None and how_to_get.startswith(_SCRIPT):
        _await_component(how_to_get.removeprefix(_SCRIPT))
        found = _look_up(program)
    if found is None:
        raise MissingComponentError(f"{program} is not here; get it with: {how_to_get}")
    return Path(found).resolve()


def _look_up(program: str) -> str | None:
    cache = component_cache()
    # sshd and its like stand in /usr/sbin, which is on the PATH of root alone.
    folders = [str(cache / "bin"), os.environ.get("PATH", ""), str(cache / "tools"), "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(folders))


def _await_component(name: str) -> None:
    """Returns once nobody fetches it any more, whether it is there now or not."""
    try:
        lock = os.open(component_cache() / f".{name}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
