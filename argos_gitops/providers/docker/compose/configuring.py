"""`docker compose config`: what Compose makes of files and values, all in one text."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from argos_gitops.model.errors import TerminalError
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.process import Invocation, run
from argos_gitops.providers.docker.compose.program import Program
from argos_gitops.providers.docker.compose.refusal import refused
from argos_gitops.providers.docker.compose.workspace import workspace, write_files

_SECONDS = 60
_ASKED = "x-argos-values"
_UNSET = "argos.dev/unset"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Given:
    """What Compose may read: files by path, and values for `${…}`. `masked` takes secrets out of a text."""

    contents: Mapping[str, bytes] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    masked: Callable[[str], str] = str


def base_environment(private: Path) -> dict[str, str]:
    """What every Compose sees: nothing of ours but the way to programs and the home folder's name."""
    return {
        "PATH": os.environ.get("PATH", _SYSTEM_PATH),
        "HOME": str(Path.home()),
        "DOCKER_CONFIG": str(private / "docker"),
        "XDG_CACHE_HOME": str(private / "cache"),
        "COMPOSE_ANSI": "never",
        "COMPOSE_MENU": "false",
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_REMOVE_ORPHANS": "false",
        "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
        "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
    }


def configured(
    program: Program, files: StackFiles, given: Given, directory: str, extra: bytes = b""
) -> bytes:
    """The model as JSON, every `$` doubled, as if the files lay in `directory`.

    `extra` is one more file, which Compose reads last.

    Raises ComposeError for what Compose refuses, TransientError when it takes too long.
    """
    with workspace() as private:
        root = write_files(private, given.contents)
        environment = {**given.environment, **base_environment(private), "PWD": str(root)}
        if not files.env_files:
            environment["COMPOSE_DISABLE_ENV_FILE"] = "true"
        arguments = [str(program.path), *_arguments(files, root), *(["--file", "-"] if extra else [])]
        arguments += ["config", "--format", "json"]
        finished = run(Invocation(arguments, environment, str(root), _SECONDS, extra))
        if finished.code != 0:
            raise refused(files, given.masked(finished.errors), str(root))
        return finished.output.replace(str(root).encode(), spelled(directory))


def spelled(directory: str) -> bytes:
    """As it stands within a text of the model."""
    return orjson.dumps(directory)[1:-1].replace(b"$", b"$$")


def values_of(program: Program, files: StackFiles, given: Given, names: Sequence[str]) -> dict[str, str]:
    """What these variables stand for, wherever they were set; those that nobody set are left out."""
    if not names:
        return {}
    asked = {_ASKED: {name: f"${{{name}-{_UNSET}}}" for name in names}}
    answered = orjson.loads(configured(program, files, given, "/", orjson.dumps(asked)))[_ASKED]
    found = {name: str(value).replace("$$", "$") for name, value in answered.items()}
    return {name: value for name, value in found.items() if value != _UNSET}


def hashed(
    program: Program, project: str, directory: str, model: bytes, profiles: Sequence[str]
) -> dict[str, str]:
    """The config hash of each service of a model, as `up` would label its containers."""
    with workspace() as private:
        arguments = [str(program.path), *model_arguments(project, directory, profiles)]
        arguments += ["config", "--hash", "*"]
        environment = {**base_environment(private), "COMPOSE_DISABLE_ENV_FILE": "true"}
        finished = run(Invocation(arguments, environment, str(private), _SECONDS, model))
    if finished.code != 0:
        raise TerminalError(f"docker compose cannot read what it made of {project}", reason="ComposeFailed")
    found = {}
    for line in finished.output.decode().splitlines():
        name, _, config_hash = line.partition(" ")
        found[name] = config_hash.strip()
    return found


def model_arguments(project: str, directory: str, profiles: Sequence[str]) -> list[str]:
    """For a command that reads a model from its standard input."""
    arguments = ["--project-name", project, "--project-directory", directory, "--file", "-"]
    return arguments + [word for name in profiles for word in ("--profile", name)]


def _arguments(files: StackFiles, root: Path) -> list[str]:
    arguments = ["--project-name", project_of(files.stack), "--project-directory", str(root)]
    arguments += [word for path in files.main for word in ("--file", str(root / path))]
    arguments += [word for path in files.env_files for word in ("--env-file", str(root / path))]
    return arguments + [word for name in files.stack.spec.profiles for word in ("--profile", name)]
