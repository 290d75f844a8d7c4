"""A Stack as `docker compose config` shows it, without an engine and without a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from argos_gitops.model.objects import digest_of
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.cache import Cache
from argos_gitops.providers.docker.compose.configuring import Given, configured
from argos_gitops.providers.docker.compose.confinement import Reading, files_read
from argos_gitops.providers.docker.compose.directory import directory_of, project_of
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.files import StackFiles, placeholder, with_placeholders
from argos_gitops.providers.docker.compose.identity import identity_of
from argos_gitops.providers.docker.compose.limits import excesses
from argos_gitops.providers.docker.compose.placing import Places
from argos_gitops.providers.docker.compose.program import (
    ComposeMissingError,
    Program,
    find_program,
    program_identity,
)
from argos_gitops.providers.docker.kinds import StackSpec

_DIRECTORY = "/@argos.dev/directory@"
"""Stands in what is kept for the folder that paths count from, which is another one on each machine."""


@dataclass(frozen=True)
class Rendered:
    """What Compose makes of a Stack.

    `model` is what `docker compose config --format json` gives, but with each `$` as it is (not doubled), and
    with `(secret NAME)` wherever a secret's value would stand. Paths in it are absolute: relative ones
    count from `directory`, the folder on the Docker host that the Stack's files lie in.
    """

    project: str
    directory: str
    model: Mapping[str, Any]
    places: Places = field(repr=False, compare=False)

    @cached_property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services that run (without those of other profiles), by name."""
        return self.model.get("services") or {}

    def place(self, *path: str | int) -> Location:
        """Where the user's own files say this, for a path in the model.

        `place("services", "web", "labels", "traefik.enable")` has a line and a column in the Compose file
        that sets the label, the last one where several do, included and extended ones too. What is not
        found is looked for one step up: then it is the service, a file, at last the Stack's own document.
        """
        return self.places(path)


class ComposeRenderer:
    """Renders Stacks; each once for each content, in this process and in those to come.

    Nothing secret is read, so that anybody can validate. Results lie in `context.cache_dir`.
    """

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._cache = Cache(context.cache_dir / "rendered")
        self._known: dict[str, Rendered] = {}

    def render(self, stack: Resource[StackSpec]) -> Rendered:
        """Raises ComposeError when Compose refuses it, or there is no Compose (reason ComposeMissing)."""
        program = program_identity(self._context.settings)
        identity = digest_of([program, str(stack.location), *identity_of(stack)])
        if identity not in self._known:
            self._known[identity] = self._rendered(stack, identity)
        return self._known[identity]

    def _program(self, stack: Resource[StackSpec]) -> Program:
        try:
            return find_program(self._context.settings)
        except ComposeMissingError as missing:
            problem = Problem(stack.location, missing.reason, f"{stack.key}: {missing}")
            raise ComposeError([problem], reason=missing.reason) from missing

    def _rendered(self, stack: Resource[StackSpec], identity: str) -> Rendered:
        files = StackFiles(stack, self._context.files)
        kept = self._cache.get(identity)
        if kept is None:
            reading = files_read(files)
            text = configured(self._program(stack), files, _given(files, reading), _DIRECTORY)
            kept = orjson.dumps([list(reading.included), text.decode()])
            self._cache.put(identity, kept)
        included, text = orjson.loads(kept)
        directory = directory_of(stack, self._context)
        encoded = text.replace("$$", "$").replace(_DIRECTORY, orjson.dumps(directory).decode()[1:-1])
        rendered = Rendered(project_of(stack), directory, orjson.loads(encoded), Places(files, included))
        problems = [
            Problem(rendered.place(*way), ComposeCode.OUTSIDE, f"{stack.key}: {message}")
            for way, message in excesses(rendered.model, directory)
        ]
        if problems:
            raise ComposeError(sorted(problems))
        return rendered


def _given(files: StackFiles, reading: Reading) -> Given:
    files.load(reading.files)
    contents = {}
    for path in reading.files:
        sealed = files.sealed(path)
        data = files.content(path)
        contents[path] = with_placeholders(path, data, sealed) if sealed is not None else data
    environment = {
        name: value if isinstance(value, str) else placeholder(name)
        for name, value in files.stack.spec.environment.items()
    }
    return Given(contents, {**environment, **reading.fixed})
