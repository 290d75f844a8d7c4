"""What a Stack must not ask of the machine that runs Compose: its files, its programs, its credentials. Pure.

A Stack may do whatever it likes with its own Docker host, as far as policies let it. The agent may be on
another machine, and knows secrets of other Stacks and hosts: those are out of bounds.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:|^git@|^github\.com/")
_RESERVED = re.compile(
    r"^(PATH|HOME|PWD|SHELL|TMPDIR|GODEBUG|GOTRACEBACK|GOGC|GOMEMLIMIT|GOMAXPROCS"
    r"|(LD|DYLD|DOCKER|COMPOSE|BUILDX|BUILDKIT|SSH|GIT|XDG)_.*)$"
)
_PROXY = re.compile(r"^\w+_proxy$", re.IGNORECASE)

Model = Mapping[str, Any]


class Excess(NamedTuple):
    """One thing too much: the way to it in the model, and why."""

    way: tuple[str | int, ...]
    message: str


def is_reserved(name: str) -> bool:
    """Whether a variable steers Compose itself or a program that it starts."""
    return _RESERVED.match(name) is not None


def excesses(model: Model, directory: str) -> Iterator[Excess]:
    """`directory` is where the Stack's files lie, in the paths of the model."""
    for section in ("configs", "secrets"):
        for name, source in (model.get(section) or {}).items():
            yield from _source((section, name), source, directory)
    for name, service in (model.get("services") or {}).items():
        way = ("services", name)
        if service.get("provider"):
            message = "a provider is a program that would run where the agent runs; Stacks cannot have any"
            yield Excess((*way, "provider"), message)
        if service.get("use_api_socket"):
            message = "this would hand the agent's registry logins to the container; mount the socket instead"
            yield Excess((*way, "use_api_socket"), message)
        yield from _build(way, service.get("build") or {}, directory)


def _source(way: tuple[str, str], source: Mapping[str, Any], directory: str) -> Iterator[Excess]:
    path, variable = source.get("file"), source.get("environment")
    if path is not None and not _inside(path, directory):
        yield Excess((*way, "file"), _outside(path))
    if variable is not None and (is_reserved(variable) or _PROXY.match(variable)):
        message = f"{variable} steers Compose itself; give the variable another name"
        yield Excess((*way, "environment"), message)


def _build(way: tuple[str, str], build: Mapping[str, Any], directory: str) -> Iterator[Excess]:
    context = build.get("context")
    if context is None or _REMOTE.match(context):
        return
    if not _inside(context, directory):
        yield Excess((*way, "build"), _outside(context))
    elif not _inside(posixpath.join(context, build.get("dockerfile") or "Dockerfile"), directory):
        yield Excess((*way, "build"), _outside(build["dockerfile"]))
    for name, other in (build.get("additional_contexts") or {}).items():
        if not _REMOTE.match(other) and not _inside(other, directory):
            yield Excess((*way, "build", "additional_contexts", name), _outside(other))


def _inside(path: str, directory: str) -> bool:
    normal = posixpath.normpath(path)
    return normal == directory or normal.startswith(f"{directory.rstrip('/')}/")


def _outside(path: str) -> str:
    return f"{path} is not among the Stack's files; put it into its folder (encrypted, if it is secret)"
