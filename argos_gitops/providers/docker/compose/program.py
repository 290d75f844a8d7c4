"""Which `docker compose` is used.

Facts: the plugin `docker-compose` is a program of its own that takes the same arguments as `docker compose`
does; where the docker program looks for plugins is from docker/cli, `cli-plugins/manager`.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from argos_gitops.model.errors import TerminalError
from argos_gitops.providers.docker.compose.errors import ComposeCode

SETTING = "docker_compose"
OLDEST = (2, 20)
"""Older ones lack `include`, or print hashes that `up` does not use."""

_PLUGIN_FOLDERS = (
    "~/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_NAME = "docker-compose"
_SECONDS = 30
_CURE = (
    "install Docker's Compose plugin (the package docker-compose-plugin, or a release of "
    "github.com/docker/compose), or set ARGOS_DOCKER_COMPOSE to the path of docker-compose"
)


class ComposeMissingError(TerminalError):
    """There is no `docker compose`, or none that is new enough."""

    reason = ComposeCode.MISSING


@dataclass(frozen=True, slots=True)
class Program:
    """A `docker compose` that can be used."""

    path: Path
    version: tuple[int, ...]


def program_identity(settings: Mapping[str, str]) -> str:
    """Another one when another program would be used, or the same was updated; starts none."""
    return " ".join(str(_identity(path)) for path in _named_or_found(settings) if path.is_file())


def find_program(settings: Mapping[str, str]) -> Program:
    """The one that the settings name, else on PATH, else the docker program's plugin.

    Raises ComposeMissingError, which says how to get it. Starts each program once in a process, to ask for
    its version.
    """
    looked_at = []
    for path in _named_or_found(settings):
        version = _version(*_identity(path)) if path.is_file() else None
        if version is not None and version >= OLDEST:
            return Program(path, version)
        looked_at.append(f"{path} is {_spelled(version)}" if version else f"{path} is none")
    found = "; ".join(looked_at) or "there is none"
    oldest = _spelled(OLDEST)
    raise ComposeMissingError(f"docker compose {oldest} or newer is needed, and {found}; {_CURE}")


def _named_or_found(settings: Mapping[str, str]) -> Iterator[Path]:
    named = settings.get(SETTING)
    if named:
        yield Path(named).expanduser()
    else:
        yield from _candidates()


def _candidates() -> Iterator[Path]:
    on_path = shutil.which(_NAME)
    if on_path:
        yield Path(on_path)
    for folder in _PLUGIN_FOLDERS:
        path = Path(folder).expanduser() / _NAME
        if path.is_file():
            yield path


def _identity(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


@lru_cache(maxsize=16)
def _version(path: str, _size: int, _modified: int) -> tuple[int, ...] | None:
    """None for what is no `docker compose` of version 2 and later."""
    try:
        done = subprocess.run(
            [path, "version", "--short"], capture_output=True, timeout=_SECONDS, check=False, env={}, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(rb"v?(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, match.groups())) if match else None


def _spelled(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
