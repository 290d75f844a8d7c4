"""Stacks for tests: files as text, and a context that reads them."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argos_gitops.model.folder import FolderFile
from argos_gitops.model.objects import digest_of
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import Resource, ResourceKey
from argos_gitops.ports.progress import Progress
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.secrets.identities import Identities
from argos_gitops.secrets.local import LocalSecrets
from argos_gitops.secrets.vault import Vault
from tests.fakes import SteppingClock

FOLDER = "stacks/wiki"
PLAIN = 0o100644


class MemoryFiles:
    """Files of a repository, by blob id."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, content: bytes) -> str:
        blob = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.blobs[blob] = content
        return blob

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        return {blob: self.blobs[blob] for blob in blobs}


class ToldProgress:
    """Remembers the tasks that were shown."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def task(self, description: str, total: int) -> "ToldProgress":
        self.told.append(description)
        return self

    def advance(self, steps: int = 1) -> None: ...

    def __enter__(self) -> "ToldProgress":
        return self

    def __exit__(self, *_: object) -> None: ...


@dataclass
class Surroundings:
    """A repository, a machine and its secrets, for Stacks of one test."""

    folder: Path
    compose: Path
    environment: dict[str, str] = field(default_factory=dict)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    progress: Progress = field(default_factory=ToldProgress)
    settings: dict[str, str] = field(default_factory=dict)
    open: ExitStack = field(default_factory=ExitStack)
    """What is closed at the end of the test."""

    def context(self) -> ProviderContext:
        identities = Identities(lambda: None, self.environment)
        return ProviderContext(
            secrets=LocalSecrets(self.environment, Vault(identities)),
            clock=SteppingClock(),
            progress=self.progress,
            cache_dir=self.folder / "cache",
            state_dir=self.folder / "state",
            files=self.files,
            settings={"docker_compose": str(self.compose), **self.settings},
        )

    def stack(
        self,
        folder: Mapping[str, str | bytes],
        /,
        *,
        name: str = "wiki",
        modes: Mapping[str, int] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Resource[StackSpec]:
        """A Stack with these files; `spec` in the words of YAML (`envFiles`)."""
        contents = {path: text.encode() if isinstance(text, str) else text for path, text in folder.items()}
        listing = tuple(
            FolderFile(path, self.files.add(data), (modes or {}).get(path, PLAIN), len(data))
            for path, data in sorted(contents.items())
        )
        parsed = StackSpec.model_validate({"host": "nas", "path": FOLDER, **spec})
        bound = parsed.model_copy(update={"path": parsed.path.bound(listing)})
        return Resource(
            ResourceKey("Stack", name),
            bound,
            Location(f"{name}.yaml", 1, 1),
            digest_of([name, spec, [list(file) for file in listing], dict(annotations or {})]),
            annotations=annotations or {},
        )
