"""A Stack with its secrets, as Compose will run it: one model, of which hashes are taken and which is run.

The model is worked out once by `docker compose config`, goes to Compose's other commands by its standard
input, and is never written anywhere. So what was hashed is exactly what runs, and what a secret may be in
reaches the engine alone.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import orjson

from argos_gitops.model.containers import CONFIG_LABEL
from argos_gitops.model.errors import SettingsError, TerminalError
from argos_gitops.model.resource import RESTARTED_ANNOTATION, Resource
from argos_gitops.model.secret import SecretRef
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.cache import Cache
from argos_gitops.providers.docker.compose.configuring import Given, configured, hashed, values_of
from argos_gitops.providers.docker.compose.directory import directory_of, project_of
from argos_gitops.providers.docker.compose.errors import ComposeCode
from argos_gitops.providers.docker.compose.files import StackFiles, for_compose
from argos_gitops.providers.docker.compose.identity import identity_of
from argos_gitops.providers.docker.compose.limits import excesses
from argos_gitops.providers.docker.compose.marks import RESTARTED_LABEL
from argos_gitops.providers.docker.compose.masking import Mask, secrets_in
from argos_gitops.providers.docker.compose.mentions import mentioned
from argos_gitops.providers.docker.compose.model import (
    Contents,
    Model,
    environment_names,
    label,
    services_of,
    shared_services,
    with_neutral_names,
    without_absent,
)
from argos_gitops.providers.docker.compose.program import Program, find_program, program_identity
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.shown import deviation, undoubled
from argos_gitops.providers.docker.kinds import StackSpec


@dataclass(frozen=True, slots=True)
class Hashes:
    """Compose's own config hash of each service that runs; `marks.config_hash_of` reads a container's.

    `inputs` identifies all that they were made of, secret values too, by a keyed digest: it tells
    nothing, and differs when a secret was rotated.
    """

    by_service: Mapping[str, str]
    inputs: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What Compose runs: `model` with secrets in it, `values` of the variables that it still takes."""

    project: str
    directory: str
    model: Model = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    hashes: Mapping[str, str]
    mask: Mask


class Resolver:
    """Resolves Stacks of one repository. Raises ProviderError."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._cache = Cache(context.cache_dir / "hashes")
        self._renderer = ComposeRenderer(context)
        self._known: dict[str, Hashes] = {}

    @cached_property
    def program(self) -> Program:
        return find_program(self._context.settings)

    def hashes(self, stack: Resource[StackSpec]) -> Hashes:
        """Without starting a process where they were worked out before."""
        inputs = self._inputs(stack)
        known = self._known.get(inputs) or self._kept(inputs)
        if known is None:
            known = Hashes(self.resolved(stack).hashes, inputs)
            self._cache.put(inputs, orjson.dumps(dict(known.by_service)))
        self._known[inputs] = known
        return known

    def resolved(self, stack: Resource[StackSpec]) -> Resolved:
        files = StackFiles(stack, self._context.files)
        read, directory = mentioned(files).files, directory_of(stack, self._context)
        plain = {path: self.plain(files, path) for path in (*sorted(read), *files.listing)}
        mask = self.mask(stack)
        given = Given(
            for_compose(files, plain.__getitem__), self._environment(stack), mask, self._context.deadline
        )
        model: Model = orjson.loads(configured(self.program, files, given, directory).model)
        self._check(files, directory, model)
        without_absent(model)
        values = values_of(self.program, files, given, environment_names(model))
        mounted = [file for file in stack.spec.path.files if file.path not in read]
        Contents(model, directory, mounted, values, built=stack.spec.build).mark()
        if restarted := stack.annotations.get(RESTARTED_ANNOTATION):
            for service in services_of(model).values():
                label(service, RESTARTED_LABEL, restarted.replace("$", "$$"))
        hashes = hashed(self.program, project_of(stack), directory, model, stack.spec.profiles, given)
        for name, service in services_of(model).items():
            if shared_services(service):
                label(service, CONFIG_LABEL, hashes[name])
        model, values = with_neutral_names(model, values)
        return Resolved(project_of(stack), directory, model, values, hashes, mask)

    def _check(self, files: StackFiles, directory: str, model: Model) -> None:
        """Nothing may be asked of the agent's machine, and a secret may stand in a text and decide nothing:
        who reviews and judges the Stack sees placeholders."""
        stack = files.stack
        for way, message in excesses(model, directory, files.listing):
            raise TerminalError(
                f"{stack.key} {'.'.join(map(str, way))}: {message}", reason=ComposeCode.OUTSIDE
            )
        if not self._has_secrets(files):
            return
        shown = self._renderer.render(stack).model
        found = deviation(shown, undoubled(model))
        if found is not None:
            message = (
                f"{stack.key} {'.'.join(map(str, found))}: a secret decides what stands here; "
                "use secrets for texts alone, so that everybody who reads the files sees what will run"
            )
            raise TerminalError(message, reason=ComposeCode.OUTSIDE)

    def _has_secrets(self, files: StackFiles) -> bool:
        referred = any(isinstance(value, SecretRef) for value in files.stack.spec.environment.values())
        return referred or any(files.sealed(path) is not None for path in files.listing)

    def plain(self, files: StackFiles, path: str) -> bytes:
        """A file as Compose and containers get it: decrypted, where SOPS encrypted it."""
        data = files.content(path)
        if files.sealed(path) is None:
            return data
        file = files.listing[path]
        try:
            place = str(files.location(path))
            return self._context.secrets.decrypted(place, file.blob, data).reveal()
        except SettingsError as error:
            raise TerminalError(f"{files.stack.key}: {error}", reason=error.reason) from None

    def mask(self, stack: Resource[StackSpec]) -> Mask:
        """Of all that is secret in a Stack."""
        files = StackFiles(stack, self._context.files)
        files.load(files.listing)
        values = [
            self._environment(stack)[name]
            for name, value in stack.spec.environment.items()
            if isinstance(value, SecretRef)
        ]
        for path in files.listing:
            sealed = files.sealed(path)
            if sealed is not None:
                values += secrets_in(sealed, self.plain(files, path))
        return Mask(values)

    def _environment(self, stack: Resource[StackSpec]) -> dict[str, str]:
        found = {}
        for name, value in stack.spec.environment.items():
            try:
                found[name] = (
                    value if isinstance(value, str) else self._context.secrets.resolve(value).reveal()
                )
            except SettingsError as error:
                message = f"{stack.key} spec.environment.{name}: {error}"
                raise TerminalError(message, reason=error.reason) from None
        return found

    def _inputs(self, stack: Resource[StackSpec]) -> str:
        made_of = [
            program_identity(self._context.settings),
            identity_of(stack),
            directory_of(stack, self._context),
            self._environment(stack),
            self._context.preview,  # placeholders stand for what files hold, too
        ]
        return blake2b(orjson.dumps(made_of), key=self._key, digest_size=20).hexdigest()

    def _kept(self, inputs: str) -> Hashes | None:
        kept = self._cache.get(inputs)
        return None if kept is None else Hashes(orjson.loads(kept), inputs)

    @cached_property
    def _key(self) -> bytes:
        """Ours alone: without it nobody can try out values."""
        path = self._context.state_dir / "compose.key"
        with suppress(OSError):
            if not path.exists():
                _write_key(path)
            return path.read_bytes()
        return secrets.token_bytes(32)


def _write_key(path: Path) -> None:
    """Whole or not at all; whoever is first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{secrets.token_hex(8)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(32))
    with suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
