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
from argos_gitops.providers.docker.compose.confined import UnconfinedError
from argos_gitops.providers.docker.compose.directory import directory_of, project_of
from argos_gitops.providers.docker.compose.errors import ComposeCode, ComposeError
from argos_gitops.providers.docker.compose.files import (
    StackFiles,
    for_compose,
    placeholder,
    with_placeholders,
)
from argos_gitops.providers.docker.compose.identity import identity_of
from argos_gitops.providers.docker.compose.limits import excesses
from argos_gitops.providers.docker.compose.mentions import mentioned
from argos_gitops.providers.docker.compose.placing import Places
from argos_gitops.providers.docker.compose.program import (
    ComposeMissingError,
    find_program,
    program_identity,
)
from argos_gitops.providers.docker.kinds import StackSpec


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
        """Raises ComposeError when Compose refuses it, or there is no Compose (reason ComposeMissing), or
        nothing here can confine it (ComposeUnconfined)."""
        program, directory = program_identity(self._context.settings), directory_of(stack, self._context)
        identity = digest_of([program, str(stack.location), directory, *identity_of(stack)])
        if identity not in self._known:
            self._known[identity] = self._rendered(stack, directory, identity)
        return self._known[identity]

    def _configured(self, files: StackFiles, directory: str) -> bytes:
        stack = files.stack
        try:
            return configured(find_program(self._context.settings), files, _given(files), directory)
        except (ComposeMissingError, UnconfinedError) as error:
            problem = Problem(stack.location, error.reason, f"{stack.key}: {error}")
            raise ComposeError([problem], reason=error.reason) from error

    def _rendered(self, stack: Resource[StackSpec], directory: str, identity: str) -> Rendered:
        files = StackFiles(stack, self._context.files)
        kept = self._cache.get(identity)
        if kept is None:
            named = mentioned(files).compose
            kept = orjson.dumps([list(named), self._configured(files, directory).decode()])
            self._cache.put(identity, kept)
        named, text = orjson.loads(kept)
        model = orjson.loads(text.replace("$$", "$"))
        rendered = Rendered(project_of(stack), directory, model, Places(files, named))
        problems = [
            Problem(rendered.place(*way), ComposeCode.OUTSIDE, f"{stack.key}: {message}")
            for way, message in excesses(model, directory, files.listing)
        ]
        if problems:
            raise ComposeError(sorted(problems))
        return rendered


def _given(files: StackFiles) -> Given:
    def hidden(path: str) -> bytes:
        sealed = files.sealed(path)
        data = files.content(path)
        return data if sealed is None else with_placeholders(path, data, sealed)

    environment = {
        name: value if isinstance(value, str) else placeholder(name)
        for name, value in files.stack.spec.environment.items()
    }
    return Given(for_compose(files, hidden), environment)
