"""What Compose and the engine say when something fails, as one clear sentence with what to do.

Whether the engine answers, and which images it has, is asked of the engine itself (`asked`): words tell
neither. They only choose the advice, and are passed on as they are.

Facts: the words of Docker Engine 20.10 to 28 and Compose 2.20 to 2.40; none of them is promised, so that
what is not recognized is told as it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError

_LONGEST = 500
_NOISE = re.compile(
    r'^time="[^"]*" level=(?:warning|info|debug)|^\s*(?:Container|Network|Volume|Image) \S.*\s[A-Z][a-z]+\s*$'
)
_LOGGED = re.compile(r'^time="[^"]*" level=\w+ msg="(.*)"$')


class _Kind(NamedTuple):
    pattern: "re.Pattern[str]"
    reason: str
    advice: str
    passes: bool = False
    """Whether it may be gone by itself."""


def _kind(pattern: str, reason: str, advice: str, *, passes: bool = False) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE), reason, advice, passes)


_OF_IMAGES: Sequence[_Kind] = (
    _kind(
        r"toomanyrequests|rate limit",
        "RegistryLimit",
        "the registry takes no more pulls for now; log in to it (ARGOS_DOCKER_CONFIG), or wait",
        passes=True,
    ),
    _kind(
        r"unauthorized|authentication required|denied: requested access",
        "RegistryDenied",
        "the registry wants a login; give the agent a docker configuration that has it (ARGOS_DOCKER_CONFIG)",
    ),
    _kind(
        r"pull access denied|manifest (?:for \S+ )?(?:not found|unknown)|no such image|not found: manifest"
        r"|repository \S+ not found|failed to resolve reference|unable to find image",
        "ImageNotFound",
        "check the image's name and tag; for an image with a `build` section set `build: true`, for a "
        "private one give the agent a login (ARGOS_DOCKER_CONFIG)",
    ),
)
"""Of registries: the codes of their errors."""
_KINDS: Sequence[_Kind] = (
    _kind(
        r"port is already allocated|address already in use|ports are not available",
        "PortInUse",
        "something else on the host has that port; publish another one, or stop what has it",
    ),
    _kind(
        r"network \S+ .*(?:declared as external|could not be found)|network \S+ not found",
        "NetworkMissing",
        "the network is not on the host; describe it as a Network, or create it",
    ),
    _kind(
        r"external volume \S+ not found|volume \S+ declared as external",
        "VolumeMissing",
        "the volume is not on the host; create it, or let Compose do it (without `external`)",
    ),
    _kind(
        r"container name \S+ is already in use",
        "NameInUse",
        "a container that is not of this project has the name; remove it, or choose another `container_name`",
    ),
    _kind(
        r"dependency failed to start|dependency \S+ failed",
        "DependencyFailed",
        "what the others wait for did not become healthy; its logs tell why",
    ),
    _kind(
        r"pool overlaps|address space",
        "AddressesInUse",
        "another network has these addresses; choose another subnet",
    ),
    _kind(r"no space left on device", "DiskFull", "the host's disk is full; make room", passes=True),
    _kind(
        r"error while creating mount|not a directory: unknown|trying to mount a directory|invalid mount",
        "MountFailed",
        "what is mounted is not there, or a folder where a file should be",
    ),
    _kind(
        r"OCI runtime|executable file not found|failed to create (?:shim )?task",
        "ContainerFailed",
        "the container cannot start as it is configured; check its command, devices and limits",
    ),
)


class Engine(Protocol):
    """What is asked of an engine; raises ProviderError where it does not answer."""

    def ping(self) -> None: ...

    def image(self, identity: str) -> Mapping[str, Any] | None: ...


def asked(engine: Engine, images: Iterable[str]) -> list[str]:
    """Those of the images that the engine does not have. Raises ProviderError where it does not answer."""
    engine.ping()
    return [image for image in dict.fromkeys(images) if engine.image(image) is None]


def failure(what: str, errors: str, missing: Sequence[str] = ()) -> ProviderError:
    """Why a command failed although the engine answers.

    `errors` is what was said, masked already; `what` names who tried what; the engine has no image `missing`.
    """
    lines = [_plain(line) for line in errors.splitlines() if line.strip() and not _NOISE.match(line)]
    lines = list(dict.fromkeys(lines))
    said = "; ".join(lines)[-_LONGEST:] or "it does not say why"
    kind = _first(_OF_IMAGES, lines) or (_not_pulled(missing) if missing else None) or _first(_KINDS, lines)
    if kind is None:
        return TerminalError(f"{what} failed: {said}", reason="ComposeFailed")
    message = f"{what}: {kind.advice} ({said})"
    return (TransientError if kind.passes else TerminalError)(message, reason=kind.reason)


def _first(kinds: Sequence[_Kind], lines: Sequence[str]) -> _Kind | None:
    return next(
        (kind for kind in kinds if any(kind.pattern.search(line[-_LONGEST:]) for line in lines)), None
    )


def _not_pulled(images: Sequence[str]) -> _Kind:
    """The registry may answer the next time: its words say nothing that is known here."""
    told = f"the engine answers, and could not get {', '.join(images)}; check that it reaches the registry"
    return _kind("", "ImageNotPulled", told, passes=True)


def _plain(line: str) -> str:
    match = _LOGGED.match(line)
    return (match[1].replace('\\"', '"') if match else line).strip()
