"""What can be said of every Stack without asking any host: Compose takes it, and its host can run it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from argos_gitops.model.errors import TransientError
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import Resource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import Expansion
from argos_gitops.providers.docker.compose.configuring import DEADLINE, OVER
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.settings import DockerSettings

_SIDE_BY_SIDE = 4
"""Of Compose's processes, each of which takes some 0.1 s."""

_MOST_NAMED = 20

_INSTEAD = (
    "the host is another machine, which cannot mount a file of ours; use `content` or `environment` instead"
)


def stacks_checked(resources: ResourceSet, renderer: ComposeRenderer) -> Expansion:
    """Without a Compose, or means to confine it, Stacks go unchecked with a warning: the rest of a repository
    is still good.

    Raises TransientError for Stacks that could not be asked about, unless others are known to be wrong.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    unknown: list[TransientError] = []
    stacks = list(resources.of(StackSpec).values())
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for stack, rendered in zip(stacks, pool.map(partial(_attempted, renderer), stacks), strict=True):
            if isinstance(rendered, TransientError):
                unknown.append(rendered)
            elif isinstance(rendered, Rendered):
                warnings += rendered.warnings
                problems += _nothing_to_run(stack, rendered)
                problems += _unreachable_mounts(stack, rendered, resources)
            else:
                unchecked = rendered.reason in (ComposeCode.MISSING, ComposeCode.UNCONFINED)
                (warnings if unchecked else problems).extend(rendered.problems)
    if unknown and not problems:
        raise _together(unknown, len(stacks))
    return Expansion(problems=problems, warnings=warnings)


def _nothing_to_run(stack: Resource[StackSpec], rendered: Rendered) -> Iterator[Problem]:
    if not rendered.services:
        message = (
            f"{stack.key}: no service runs; all of its files' services are of profiles that it does not name "
            "(`profiles`), or there is none"
        )
        yield Problem(rendered.place("services"), ComposeCode.INVALID, message)


def _together(unknown: Sequence[TransientError], count: int) -> TransientError:
    """The first of them, as it is most likely to say why; or what was not looked at when time was over."""
    late = [str(each).removesuffix(f": {OVER}") for each in unknown if each.reason == DEADLINE]
    if not late:
        return unknown[0]
    slow = [str(each) for each in unknown if each.reason != DEADLINE]
    others = len(late) - _MOST_NAMED
    shown = ", ".join(late[:_MOST_NAMED]) + (f", and {others} more" if others > 0 else "")
    message = f"{OVER}: {len(late)} of {count} Stacks were not rendered ({shown})"
    if slow:
        message += f"; {len(slow)} took too long before, the first: {slow[0]}"
    return TransientError(message, reason=DEADLINE)


def _attempted(
    renderer: ComposeRenderer, stack: Resource[StackSpec]
) -> Rendered | ComposeError | TransientError:
    try:
        return renderer.render(stack)
    except ComposeError as error:
        return error
    except TransientError as error:  # such as one that takes too long: which of all the Stacks it is
        message = f"{stack.location} {stack.key}: {error}"
        return TransientError(message, reason=error.reason, retry_after=error.retry_after)


def _unreachable_mounts(
    stack: Resource[StackSpec], rendered: Rendered, resources: ResourceSet
) -> Iterator[Problem]:
    """Our files are on our machine: an engine on another one cannot mount them."""
    if not _is_remote(resources, stack.spec.host):
        return
    for name, service in rendered.services.items():
        for number, mount in enumerate(service.get("volumes") or ()):
            source = mount.get("source", "")
            if mount.get("type") == "bind" and _ours(stack, rendered.directory, source):
                place = rendered.place("services", name, "volumes", number)
                yield Problem(
                    place, ComposeCode.REMOTE_MOUNT, f"{stack.key} service {name}: {_advice(stack, source)}"
                )
        for section in ("configs", "secrets"):
            for used in service.get(section) or ():
                source = (rendered.model.get(section) or {}).get(used["source"], {}).get("file")
                if source is not None:
                    place = rendered.place(section, used["source"], "file")
                    yield Problem(
                        place, ComposeCode.REMOTE_MOUNT, f"{stack.key} {section} {used['source']}: {_INSTEAD}"
                    )


def _is_remote(resources: ResourceSet, host: str) -> bool:
    found = resources.get(ResourceKey("DockerHost", host))
    settings = getattr(found.spec, "docker", None) if found is not None else None
    if not isinstance(settings, DockerSettings) or settings.connection is None:
        return False
    return settings.connection.unix is None


def _ours(stack: Resource[StackSpec], directory: str, source: str) -> bool:
    """Whether a mount means files that only we have. With a `directory` of the host's own, what is not in
    git may well be there."""
    if source != directory and not source.startswith(f"{directory}/"):
        return False
    if stack.spec.directory is None:
        return True
    below = source.removeprefix(directory).strip("/")
    return any(_within(file.path, below) for file in stack.spec.path.files)


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _advice(stack: Resource[StackSpec], source: str) -> str:
    if stack.spec.directory is None:
        return (
            "the host is another machine, on which a relative path means nothing; write an absolute path, "
            "use a volume, or say in `directory` where relative paths count from"
        )
    return (
        f"{source} would hold files of git, and the host is another machine, where they are not; use "
        "`configs` with `content`, or build them into the image"
    )
