"""What `docker compose` does on one Docker host."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import orjson

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.configuring import base_environment, model_arguments, spelled
from argos_gitops.providers.docker.compose.confined import View, confined
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.masking import Mask
from argos_gitops.providers.docker.compose.model import reads_files, services_of, with_dependents
from argos_gitops.providers.docker.compose.placement import Placed, Placement, recorded_directory
from argos_gitops.providers.docker.compose.process import Finished, Heard, Invocation, run
from argos_gitops.providers.docker.compose.resolving import Hashes, Resolved, Resolver
from argos_gitops.providers.docker.compose.speech import Engine, asked, failure
from argos_gitops.providers.docker.compose.values import written_values
from argos_gitops.providers.docker.compose.workspace import Workspace, workspace
from argos_gitops.providers.docker.kinds import StackSpec

__all__ = ["ComposeRunner", "Hashes"]

Stack = Resource[StackSpec]


class Reach(Protocol):
    """How the host's engine is reached: by a client, and by a docker program with this environment."""

    def environment(self) -> Mapping[str, str]: ...

    @property
    def client(self) -> Engine: ...


_START_SECONDS = 900.0
"""Pulling and starting; what waits for the health of another service takes the Stack's own time besides."""
_LONG_SECONDS = 3600.0
_SHORT_SECONDS = 120.0
_STATE = re.compile(r"^\s*Container \S+\s+(?:Started|Running|Healthy|Exited|Removed)\s*$")


@dataclass(frozen=True, slots=True)
class _Session:
    """What a command works on: a project by its name, and by its `model` where it needs one.

    `values` are those of the variables that the model takes, by names of ours.
    """

    project: str
    mask: Mask
    options: Sequence[str] = ()
    model: bytes = field(default=b"", repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    """Where Compose reads files that the model names: what images are built of, a profile of seccomp."""


class ComposeRunner:
    """`docker compose`, bound to one host. For several threads, each with another Stack.

    `host` is the DockerHost's name, `reach` how its engine is reached; `local` tells that the engine is on
    this machine, and so sees the files that we write.

    Every method raises ProviderError: ComposeError for what Compose refuses, TransientError for an engine
    that is away, a registry that may answer later and what takes too long, TerminalError with one clear
    sentence for the rest. No secret is in an argument, a log, an error, or anything that is given back.
    """

    def __init__(self, host: str, context: ProviderContext, reach: Reach, *, local: bool) -> None:
        self._host = host
        self._context = context
        self._reach = reach
        self._local = local
        self._resolver = Resolver(context)

    def hashes(self, stack: Stack) -> Hashes:
        """Of the services that run; asks no engine, writes nothing on the host.

        A Stack whose files, values and secrets were seen before is not worked out again, not even in the
        next process of the agent.
        """
        return self._resolver.hashes(stack)

    def up(self, stack: Stack, services: Sequence[str] = (), *, recreate: bool = False) -> None:
        """Puts the files in place and brings these services (by default all) to what they should be.

        What is as it should be is not touched, unless `recreate` asks for new containers of them; what a
        service depends on is started before it, and what lives in its namespaces comes along. Does not
        wait for health. Images are not built: see `build`.
        """
        resolved = self._resolver.resolved(stack)
        if self._local:
            self._put(stack, resolved)
        spec, chosen = stack.spec, with_dependents(resolved.model, services)
        arguments = ["up", "--detach", "--no-build", "--no-color", "--quiet-pull"]
        arguments += ["--force-recreate"] if recreate else []
        arguments += ["--remove-orphans"] if spec.orphans == "remove" else []
        arguments += ["--pull", spec.pull] if spec.pull != "missing" else []
        seconds = _START_SECONDS + spec.health.timeout.total_seconds()
        total = len(chosen or services_of(resolved.model))
        with self._context.progress.task(f"{stack.key}: starting", total) as task:
            self._compose(
                _session(resolved, spec),
                [*arguments, "--", *chosen],
                seconds,
                lambda line: task.advance() if _STATE.match(line) else None,
            )

    def pull(self, stack: Stack, services: Sequence[str] = (), *, policy: str = "always") -> None:
        """Pulls the images of these services, those that have a `build` section left out; with the policy
        `missing` only those that are not there."""
        resolved = self._resolver.resolved(stack)
        arguments = ["pull", "--quiet", "--ignore-buildable"]
        arguments += [] if policy == "always" else ["--policy", policy]
        arguments += ["--", *services]
        with self._context.progress.task(f"{stack.key}: pulling images", 1) as task:
            self._compose(_session(resolved, stack.spec), arguments, _LONG_SECONDS)
            task.advance()

    def build(self, stack: Stack, services: Sequence[str] = ()) -> None:
        """Builds the images of those services that have a `build` section, of what is in git alone."""
        resolved = self._resolver.resolved(stack)
        built = [name for name, service in services_of(resolved.model).items() if service.get("build")]
        chosen = [name for name in built if name in services or not services]
        if not chosen:
            return
        with (
            workspace() as space,
            self._context.progress.task(f"{stack.key}: building {', '.join(chosen)}", 1) as task,
        ):
            root = self._checked_out(stack, space)
            session = replace(_session(_moved(resolved, str(root)), stack.spec), folder=root)
            self._compose(session, ["build", "--", *chosen], _LONG_SECONDS)
            task.advance()

    def restart(self, project: str, services: Sequence[str] = ()) -> None:
        """Restarts containers as they are; needs no files."""
        self._compose(_Session(project, Mask(())), ["restart", "--", *services], _START_SECONDS)

    def down(self, project: str, services: Sequence[str] = ()) -> None:
        """Stops and removes the containers of these services, or of the whole project with its networks.

        Needs no files. Volumes stay.
        """
        arguments = ["rm", "--stop", "--force", "--", *services] if services else ["down", "--remove-orphans"]
        self._compose(_Session(project, Mask(())), arguments, _START_SECONDS)

    def logs(self, stack: Stack, service: str, tail: int = 20) -> Sequence[str]:
        """The last lines of a service's containers, masked; empty when there are none."""
        session = _Session(project_of(stack), self._resolver.mask(stack))
        arguments = ["logs", "--no-color", "--no-log-prefix", "--tail", str(tail), "--", service]
        finished = self._compose(session, arguments, _SHORT_SECONDS)
        lines = finished.output.decode("utf-8", "replace").splitlines()
        return [session.mask(line.rstrip()) for line in lines[-tail:]]

    def forget(self, project: str) -> None:
        """Removes what we wrote of a project that is gone from the host; what its containers wrote stays."""
        record = self._record(project)
        directory = recorded_directory(record)
        if directory is not None:
            Placement(directory, record).remove()

    def _put(self, stack: Stack, resolved: Resolved) -> None:
        files = StackFiles(stack, self._context.files)
        files.load(files.listing)
        placed = [
            Placed(path, file.executable, files.sealed(path) is not None)
            for path, file in files.listing.items()
        ]
        placement = Placement(resolved.directory, self._record(resolved.project))
        placement.put(placed, lambda path: self._resolver.plain(files, path))

    def _checked_out(self, stack: Stack, space: Workspace) -> Path:
        """All files of the Stack in a private folder, as images are built of them."""
        files = StackFiles(stack, self._context.files)
        files.load(files.listing)
        contents = {path: self._resolver.plain(files, path) for path in files.listing}
        root = space.write_files("/", contents)
        for path, file in files.listing.items():
            (root / path).chmod(0o755 if file.executable else 0o644)
        return root

    def _record(self, project: str) -> Path:
        return self._context.state_dir / "written" / self._host / f"{project}.json"

    def _compose(
        self, session: _Session, arguments: Sequence[str], seconds: float, heard: Heard | None = None
    ) -> Finished:
        """Runs from the root folder: where no model is given, Compose looks for one in all folders above."""
        with workspace() as space:
            environment = {**base_environment(space), **self._reach.environment()}
            environment |= {"COMPOSE_DISABLE_ENV_FILE": "true", "PWD": "/"}
            if logins := self._context.settings.get("docker_config"):
                environment["DOCKER_CONFIG"] = str(Path(logins).expanduser())
            command = [str(self._resolver.program.path), *_options(session, space), *arguments]
            view = _view(session, space, environment)
            invocation = Invocation(confined(command, view), environment, "/", seconds, session.model)
            finished = run(invocation, heard)
        if finished.code != 0:
            raise self._why(session, arguments[0], session.mask(finished.errors))
        return finished

    def _why(self, session: _Session, command: str, said: str) -> ProviderError:
        """The engine's own error where it does not answer."""
        what = f"docker compose {command} of project {session.project}"
        services = services_of(orjson.loads(session.model or b"{}")).values()
        images = [each["image"].replace("$$", "$") for each in services if each.get("image")]
        try:
            missing = asked(self._reach.client, images)
        except ProviderError as error:
            kind = TransientError if isinstance(error, TransientError) else TerminalError
            return kind(f"{what}: {error}", reason=error.reason)
        return failure(what, said, missing)


def _session(resolved: Resolved, spec: StackSpec) -> _Session:
    options = model_arguments(resolved.project, resolved.directory, spec.profiles)
    model = orjson.dumps(resolved.model)
    folder = Path(resolved.directory) if reads_files(resolved.model) else None
    return _Session(resolved.project, resolved.mask, options, model, resolved.values, folder)


def _options(session: _Session, space: Workspace) -> list[str]:
    options = list(session.options) or ["--project-name", session.project]
    if session.values:
        options += ["--env-file", str(space.write_private("values.env", written_values(session.values)))]
    return options


def _view(session: _Session, space: Workspace, environment: Mapping[str, str]) -> View:
    """The files that a command may open: those of its model, and what reaches engine and registries.

    What keeps logins for Compose (`credsStore`) is a program that may keep them anywhere at home.
    """
    logins = Path(environment["DOCKER_CONFIG"])
    read = [session.folder] if session.folder is not None else []
    if certificates := environment.get("DOCKER_CERT_PATH"):
        read.append(Path(certificates))
    if _has_helper(logins):
        read.append(Path.home())
    return View(read, [space.path, logins], network=True)


def _has_helper(logins: Path) -> bool:
    try:
        settings = orjson.loads((logins / "config.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(settings, dict) and bool(settings.get("credsStore") or settings.get("credHelpers"))


def _moved(resolved: Resolved, directory: str) -> Resolved:
    """The same as if its files lay in another folder, whose name needs no spelling."""
    text = orjson.dumps(resolved.model).replace(spelled(resolved.directory), directory.encode())
    return replace(resolved, directory=directory, model=orjson.loads(text))
