"""A Stack as `docker compose config` shows it, without an engine and without a secret."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from argos_gitops.model.objects import digest_of
from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import Resource
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.cache import Cache
from argos_gitops.providers.docker.compose.configuring import Given, configured, values_of
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
from argos_gitops.providers.docker.compose.model import environment_names
from argos_gitops.providers.docker.compose.placing import Places
from argos_gitops.providers.docker.compose.program import (
    ComposeMissingError,
    find_program,
    program_identity,
)
from argos_gitops.providers.docker.compose.refusal import unset_problem, warned
from argos_gitops.providers.docker.compose.unset import Unset, is_about_variable, unset_in, unset_names
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
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    """All that Compose warned of."""

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

    def files_of(self, stack: Resource[StackSpec]) -> StackFiles:
        """The Stack's own files."""
        return StackFiles(stack, self._context.files)

    def _configured(self, files: StackFiles, directory: str) -> "_Kept":
        """What Compose makes of it, and what becomes of variables that nobody set."""
        stack = files.stack
        try:
            program, given = find_program(self._context.settings), _given(files, self._context.deadline)
            found = configured(program, files, given, directory)
        except (ComposeMissingError, UnconfinedError) as error:
            problem = Problem(stack.location, error.reason, f"{stack.key}: {error}")
            raise ComposeError([problem], reason=error.reason) from error
        model = orjson.loads(found.model)

        def tried(values: Mapping[str, str]) -> Mapping[str, Any] | None:
            more = replace(given, environment={**given.environment, **values})
            try:
                return orjson.loads(configured(program, files, more, directory).model)  # type: ignore[no-any-return]
            except ComposeError:
                return None

        unset = list(unset_in(unset_names(found.warnings), model, tried))
        wanted = environment_names(model)
        known = values_of(program, files, given, wanted)
        unset += [Unset(name, way, True) for name, way in _sources(model) if name not in known]
        said = [warning for warning in found.warnings if not is_about_variable(warning)]
        named = mentioned(files).compose
        names = [[*each] for each in _names_in(files)]
        return _Kept(list(named), found.model.decode(), said, [[*astuple(each)] for each in unset], names)

    def _rendered(self, stack: Resource[StackSpec], directory: str, identity: str) -> Rendered:
        files = StackFiles(stack, self._context.files)
        encoded = self._cache.get(identity)
        if encoded is None:
            mentioned(files)  # before Compose is asked: all paths that visibly lead out, with their lines
            encoded = orjson.dumps(list(self._configured(files, directory)))
            self._cache.put(identity, encoded)
        kept = _Kept(*orjson.loads(encoded))
        model = orjson.loads(kept.text.replace("$$", "$"))
        unset = [
            unset_problem(files, Unset(name, tuple(way), refused), kept.named)
            for name, way, refused in kept.unset
        ]
        warnings = [warned(files, each, directory) for each in kept.warnings]
        warnings += [each for each in unset if each.code == ComposeCode.WARNING]
        warnings += _other_names(files, kept.names)
        places = Places(files, kept.named)
        rendered = Rendered(project_of(stack), directory, model, places, tuple(sorted(set(warnings))))
        problems = {
            Problem(rendered.place(*way), ComposeCode.OUTSIDE, f"{stack.key}: {message}")
            for way, message in excesses(model, directory, files.listing)
        }
        problems |= {each for each in unset if each.code != ComposeCode.WARNING}
        if problems:
            raise ComposeError(sorted(problems))
        return rendered


class _Kept(NamedTuple):
    """What is kept of one rendering: Compose files that others name, the model, the words of warnings,
    variables that nobody set (name, way, whether that is refused), and what files call the project."""

    named: Sequence[str]
    text: str
    warnings: Sequence[str]
    unset: Sequence[Any]
    names: Sequence[Any]


def _names_in(files: StackFiles) -> Iterator[tuple[str, str, int, int]]:
    """What the files call the project, and where; with a variable in it nobody but Compose knows."""
    for path in files.main:
        for tree in files.trees(path):
            name = tree.entry("name")
            if name is not None and name.text and "$" not in name.text:
                yield name.text, path, name.line, name.column
    for path in files.env_files:
        for number, line in enumerate(files.content(path).decode("utf-8", "replace").split("\n"), 1):
            variable, _, value = line.partition("=")
            if variable.strip() == "COMPOSE_PROJECT_NAME" and "$" not in value:
                yield value.strip().strip("\"'"), path, number, 1


def _other_names(files: StackFiles, names: Sequence[Any]) -> Iterator[Problem]:
    """Where the Stack calls the project otherwise than its files do: volumes and containers that are there
    under that name would not be its own."""
    project = project_of(files.stack)
    for called, path, line, column in names:
        if called != project:
            message = (
                f"{files.stack.key}: the file calls the project {called}, and it runs as {project} here: "
                f"with other volumes and containers than those of {called}; say `project: {called}` in the "
                "Stack to keep them, or take the name out of the file"
            )
            yield Problem(files.location(path, line, column), ComposeCode.WARNING, message)


def _sources(model: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The variables that secrets and configs take their content from, and where they are named."""
    for section in ("secrets", "configs"):
        for key, source in (model.get(section) or {}).items():
            if source.get("environment"):
                yield source["environment"], (section, key, "environment")


def _given(files: StackFiles, deadline: float | None) -> Given:
    def hidden(path: str) -> bytes:
        sealed = files.sealed(path)
        data = files.content(path)
        return data if sealed is None else with_placeholders(path, data, sealed)

    environment = {
        name: value if isinstance(value, str) else placeholder(name)
        for name, value in files.stack.spec.environment.items()
    }
    return Given(for_compose(files, hidden), environment, deadline=deadline)
