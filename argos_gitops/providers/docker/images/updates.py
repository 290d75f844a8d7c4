"""The image updates of Stacks that share a folder, and the files that would make them.

What is written is proved: rendered again, just the images differ, and nothing else in the Stacks.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from argos_gitops.model.folder import FolderFile
from argos_gitops.model.objects import digest_of
from argos_gitops.model.resource import Resource, ResourceKey
from argos_gitops.ports.provider import Files, ProviderContext
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.files import StackFiles
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.images.references import ImageReference
from argos_gitops.providers.docker.images.spelling import UnclearError
from argos_gitops.providers.docker.images.writing import ImageWriter, TextEdit, edited
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.vcs.objects import blob_id

Stack = Resource[StackSpec]


@dataclass(frozen=True, slots=True)
class Update:
    """A service of a Stack whose image should be another version."""

    stack: ResourceKey
    service: str
    old: ImageReference
    new: ImageReference

    def __str__(self) -> str:
        return f"{self.stack} {self.service}: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True)
class Written:
    """Updates with the files that make them, by path below the Stacks' folder; and why others have none."""

    updates: tuple[Update, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    unclear: Mapping[Update, str] = field(default_factory=dict)


class FolderUpdates:
    """Writes updates of Stacks that all have the same folder."""

    def __init__(self, rendered: Mapping[str, tuple[Stack, Rendered]], context: ProviderContext) -> None:
        self._rendered = rendered
        self._context = context
        self._files = {name: StackFiles(stack, context.files) for name, (stack, _) in rendered.items()}

    def written(self, updates: Sequence[Update]) -> Written:
        """As many of the updates as can be made together."""
        unclear: dict[Update, str] = {}
        edits: dict[Update, list[TextEdit]] = {}
        for update in updates:
            try:
                edits[update] = self._edits(update)
            except UnclearError as error:
                unclear[update] = str(error)
        files = self._proved(edits)
        if files is not None:
            return Written(tuple(edits), files, unclear)
        return self._one_by_one(edits, unclear)

    def _edits(self, update: Update) -> list[TextEdit]:
        name = update.stack.name
        return ImageWriter(self._files[name], self._rendered[name][1]).edits(
            update.service, update.old, update.new
        )

    def _one_by_one(self, edits: Mapping[Update, list[TextEdit]], unclear: dict[Update, str]) -> Written:
        kept: dict[Update, list[TextEdit]] = {}
        files: Mapping[str, bytes] = {}
        for together in _by_place(edits):
            tried = self._proved({**kept, **together})
            if tried is None:
                unclear |= dict.fromkeys(together, "its version stands where it means something else too")
            else:
                kept, files = {**kept, **together}, tried
        return Written(tuple(kept), files, unclear)

    def _proved(self, edits: Mapping[Update, list[TextEdit]]) -> Mapping[str, bytes] | None:
        """The files with these edits, if they mean these updates and nothing else."""
        wanted = [edit for each in edits.values() for edit in each]
        if not wanted:
            return {}
        files = next(iter(self._files.values()))
        made = edited({edit.path: files.content(edit.path) for edit in wanted}, wanted)
        if made is None:
            return None
        right = (
            self._means(stack, rendered, made, list(edits)) for stack, rendered in self._rendered.values()
        )
        return made if all(right) else None

    def _means(
        self, stack: Stack, before: Rendered, made: Mapping[str, bytes], updates: Sequence[Update]
    ) -> bool:
        overlay = Overlay(self._context.files, made)
        renderer = ComposeRenderer(replace(self._context, files=overlay))
        try:
            after = renderer.render(overlay.bound(stack))
        except ComposeError:
            return False
        expected = _without_extensions(copy.deepcopy(before.model))
        for update in updates:
            if update.stack == stack.key:
                service = expected["services"][update.service]
                service["image"] = service["image"].removesuffix(update.old.version) + update.new.version
        return _without_extensions(after.model) == expected


def _without_extensions(model: Mapping[str, Any]) -> dict[str, Any]:
    """`x-…` is where people keep what they merge into services; Compose itself makes nothing of it."""
    return {name: value for name, value in model.items() if not name.startswith("x-")}


def _by_place(edits: Mapping[Update, list[TextEdit]]) -> list[dict[Update, list[TextEdit]]]:
    """Services that take their version from one place go together."""
    found: dict[tuple[TextEdit, ...], dict[Update, list[TextEdit]]] = {}
    for update, wanted in edits.items():
        found.setdefault(tuple(wanted), {})[update] = wanted
    return list(found.values())


class Overlay:
    """Files of the repository with some of one folder edited."""

    def __init__(self, files: Files, made: Mapping[str, bytes]) -> None:
        self._files = files
        self._made = made
        self._blobs = {blob_id(content): content for content in made.values()}

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        others = [blob for blob in blobs if blob not in self._blobs]
        known = {blob: self._blobs[blob] for blob in blobs if blob in self._blobs}
        return {**self._files.read(others), **known}

    def bound(self, stack: Stack) -> Stack:
        """The Stack, its folder as edited."""
        listing = [self._edited(file) for file in stack.spec.path.files]
        spec = stack.spec.model_copy(update={"path": stack.spec.path.bound(listing)})
        return replace(stack, spec=spec, digest=digest_of([stack.digest, sorted(self._blobs)]))

    def _edited(self, file: FolderFile) -> FolderFile:
        content = self._made.get(file.path)
        return file if content is None else file._replace(blob=blob_id(content), size=len(content))
