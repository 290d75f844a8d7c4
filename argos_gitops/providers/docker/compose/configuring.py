"""`docker compose config`: what Compose makes of files and values, all in one text."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.process import Invocation, run
from argos_gitops.providers.docker.compose.program import Program
from argos_gitops.providers.docker.compose.refusal import refused
from argos_gitops.providers.docker.compose.workspace import workspace, write_files

_SECONDS = 60
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Given:
    """What Compose may read: files by path, and values for `${…}`. May hold secrets."""

    contents: Mapping[str, bytes] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)


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


def configured(program: Program, files: StackFiles, given: Given, directory: str) -> bytes:
    """The model as JSON, every `$` doubled, as if the files lay in `directory`.

    Raises ComposeError for what Compose refuses, TransientError when it takes too long.
    """
    with workspace() as private:
        root = write_files(private, given.contents)
        environment = {**given.environment, **base_environment(private), "PWD": str(root)}
        if not files.env_files:
            environment["COMPOSE_DISABLE_ENV_FILE"] = "true"
        arguments = [str(program.path), *_arguments(files, root), "config", "--format", "json"]
        finished = run(Invocation(arguments, environment, str(root), _SECONDS))
        if finished.code != 0:
            raise refused(files, finished.errors, str(root))
        return finished.output.replace(str(root).encode(), directory.encode())


def _arguments(files: StackFiles, root: Path) -> list[str]:
    arguments = ["--project-name", project_of(files.stack), "--project-directory", str(root)]
    arguments += [word for path in files.main for word in ("--file", str(root / path))]
    arguments += [word for path in files.env_files for word in ("--env-file", str(root / path))]
    return arguments + [word for name in files.stack.spec.profiles for word in ("--profile", name)]
