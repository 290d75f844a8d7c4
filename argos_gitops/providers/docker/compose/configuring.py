"""`docker compose config`: what Compose makes of files and values, all in one text.

Compose runs confined here: it sees the Stack's files, and nothing else of this machine or the network.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.inheritance import COMPOSE
from argos_gitops.providers.docker.compose.confined import View, confined, refusal_of
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.model import Model, services_of
from argos_gitops.providers.docker.compose.process import Finished, Invocation, run
from argos_gitops.providers.docker.compose.program import Program
from argos_gitops.providers.docker.compose.refusal import refused, warnings_in
from argos_gitops.providers.docker.compose.speech import failure
from argos_gitops.providers.docker.compose.values import UnwritableError, written_values
from argos_gitops.providers.docker.compose.workspace import Workspace, workspace

_SECONDS = 60.0
DEADLINE = "ComposeDeadline"
OVER = "the time for rendering the Stacks of one revision is over"
_ASKED = "x-argos-values"
_UNSET = "argos.dev/unset"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Given:
    """What Compose may read: files by path (None: there is one, and it is not read), and values for `${…}`.

    `masked` takes secrets out of a text; after `deadline` (monotonic seconds) nothing is asked any more.
    """

    contents: Mapping[str, bytes | None] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    masked: Callable[[str], str] = str
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """What Compose made of it: the model as JSON, every `$` doubled, and what it warned of, each once."""

    model: bytes = field(repr=False)
    warnings: tuple[str, ...]


def base_environment(space: Workspace) -> dict[str, str]:
    """All that a Compose sees: the way to programs, the home folder's name, and what is set for it."""
    return {
        "PATH": _SYSTEM_PATH,
        **COMPOSE.of(os.environ),
        "HOME": str(Path.home()),
        "DOCKER_CONFIG": str(space.path / "docker"),
        "XDG_CACHE_HOME": str(space.path / "cache"),
        "COMPOSE_ANSI": "never",
        "COMPOSE_MENU": "false",
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_REMOVE_ORPHANS": "false",
        "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
        "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
    }


def configured(
    program: Program, files: StackFiles, given: Given, directory: str, extra: bytes = b""
) -> Configured:
    """The model as if the files lay in `directory`.

    `extra` is one more file, which Compose reads last.

    Raises ComposeError for what Compose refuses, TransientError (ComposeTimeout, or ComposeDeadline where the
    time for the whole revision is over) when it takes too long, UnconfinedError.
    """
    with workspace(sum(len(data or b"") for data in given.contents.values())) as space:
        root = space.write_files(directory, given.contents)
        environment = {**base_environment(space), "PWD": str(root)}
        options = _options(files, root, _value_files(space, files, given))
        if "--env-file" not in options:
            environment["COMPOSE_DISABLE_ENV_FILE"] = "true"
        arguments = [str(program.path), *options, *(["--file", "-"] if extra else [])]
        arguments += ["config", "--format", "json"]
        asked = Invocation(arguments, environment, str(root), _seconds(given.deadline), extra)
        finished = _run_confined(space, asked)
        said = given.masked(space.on_host(finished.errors.encode()).decode("utf-8", "replace"))
        if finished.code != 0:
            raise refused(files, said, directory)
        return Configured(space.on_host(finished.output), warnings_in(said))


def spelled(directory: str) -> bytes:
    """As it stands within a text of the model."""
    return orjson.dumps(directory)[1:-1].replace(b"$", b"$$")


def values_of(program: Program, files: StackFiles, given: Given, names: Sequence[str]) -> dict[str, str]:
    """What these variables stand for, wherever they were set; those that nobody set are left out."""
    if not names:
        return {}
    asked = {_ASKED: {name: f"${{{name}-{_UNSET}}}" for name in names}}
    answered = orjson.loads(configured(program, files, given, "/", orjson.dumps(asked)).model)[_ASKED]
    found = {name: str(value).replace("$$", "$") for name, value in answered.items()}
    return {name: value for name, value in found.items() if value != _UNSET}


def hashed(
    program: Program, project: str, directory: str, model: Model, profiles: Sequence[str], given: Given
) -> dict[str, str]:
    """The config hash of each service of a model, as `up` would label its containers.

    Raises ProviderError where Compose does not take the model, or leaves out one of its services.
    """
    text = orjson.dumps(model)
    with workspace() as space:
        arguments = [str(program.path), *model_arguments(project, directory, profiles)]
        arguments += ["config", "--hash", "*"]
        environment = {**base_environment(space), "COMPOSE_DISABLE_ENV_FILE": "true"}
        asked = Invocation(arguments, environment, str(space.path), _seconds(given.deadline), text)
        finished = _run_confined(space, asked)
    if finished.code != 0:
        raise failure(
            f"docker compose cannot read what it made of {project}: config", given.masked(finished.errors)
        )
    found = {}
    for line in finished.output.decode().splitlines():
        name, _, config_hash = line.partition(" ")
        found[name] = config_hash.strip()
    if found.keys() != services_of(model).keys():
        lost = ", ".join(sorted(services_of(model).keys() ^ found.keys()))
        message = f"docker compose gave no config hash for these services of {project}: {lost}"
        raise TerminalError(message, reason="ComposeFailed")
    return found


def model_arguments(project: str, directory: str, profiles: Sequence[str]) -> list[str]:
    """For a command that reads a model from its standard input."""
    arguments = ["--project-name", project, "--project-directory", directory, "--file", "-"]
    return arguments + [word for name in profiles for word in ("--profile", name)]


def _seconds(deadline: float | None) -> float:
    """How long Compose may take. Raises TransientError (ComposeDeadline) where there is no time left."""
    if deadline is None:
        return _SECONDS
    left = deadline - time.monotonic()
    if left <= 0:
        raise TransientError(OVER, reason=DEADLINE)
    return min(left, _SECONDS)


def _run_confined(space: Workspace, asked: Invocation) -> Finished:
    finished = run(replace(asked, arguments=confined(asked.arguments, View([space.path]))))
    refusal = refusal_of(finished.code, finished.errors)
    if refusal is not None:
        raise refusal
    return finished


def _value_files(space: Workspace, files: StackFiles, given: Given) -> list[str]:
    """The file with the values of the Stack's own document, if it has any."""
    if not given.environment:
        return []
    try:
        return [str(space.write_private("values.env", written_values(given.environment)))]
    except UnwritableError as error:
        raise files.error(f"spec.environment: {error}") from None


def _options(files: StackFiles, root: Path, values: Sequence[str]) -> list[str]:
    """Values of the Stack's own document come last, as the last one wins, and first too, as those of env
    files may name them."""
    arguments = ["--project-name", project_of(files.stack), "--project-directory", str(root)]
    arguments += [word for path in files.main for word in ("--file", str(root / path))]
    named = [str(root / path) for path in files.env_files]
    arguments += [word for path in (*values, *named, *values) for word in ("--env-file", path)]
    return arguments + [word for name in files.stack.spec.profiles for word in ("--profile", name)]
