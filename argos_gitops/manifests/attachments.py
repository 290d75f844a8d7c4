"""What resources bring along beside their own text: SOPS files and whole folders, bound by content.

A reference that is bound says which content it means, so that each revision finds its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from argos_gitops.manifests.problems import Code, Finding, Pointer
from argos_gitops.manifests.secrets import sealed_uses
from argos_gitops.manifests.walks import Walk, Walks
from argos_gitops.manifests.wording import shown, where
from argos_gitops.model.folder import Folder, FolderFile
from argos_gitops.model.objects import digest_of
from argos_gitops.model.resource import AnyResource
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.source import SourceFile

MAX_FOLDER_BYTES = 64 * 1024**2
"""A folder with more is hardly meant: what is large belongs into an image or a volume."""

_TYPE = 0o170000
_REGULAR = 0o100000

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Attachments:
    """Of one revision: the blobs of the SOPS files by path, and the files of the folders by path."""

    sealed: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, tuple[FolderFile, ...]] = field(default_factory=dict)

    def listing(self) -> Iterator[str]:
        """A line for each file; equal listings mean equal contents."""
        for path, blob in self.sealed.items():
            yield f"{blob} {path} sealed"
        for folder, files in self.folders.items():
            for file in files:
                yield f"{file.blob} {folder}/{file.path} {file.mode:o}"


class FolderUse(NamedTuple):
    """Where in a document which folder is named."""

    pointer: Pointer
    folder: Folder


def folder_uses(spec: BaseModel) -> tuple[FolderUse, ...]:
    """The folders that one spec names, with pointers from the root of its document."""
    walk = _FOLDERS.of(type(spec))
    return tuple(walk(spec, ("spec",))) if walk else ()


def folder_files(path: str, files: Sequence[SourceFile]) -> tuple[FolderFile, ...]:
    """The plain files below a folder; links are told of by whoever sifts the revision."""
    prefix = f"{path}/"
    return tuple(
        FolderFile(file.path.removeprefix(prefix), file.blob, file.mode, file.size)
        for file in files
        if file.path.startswith(prefix) and file.mode & _TYPE == _REGULAR
    )


def folder_finding(use: FolderUse, files: Iterable[FolderFile]) -> Finding | None:
    """What is wrong with one named folder that holds these files."""
    size = [file.size for file in files]
    message = ""
    if not size:
        message = f"there is no file in {shown(use.folder.path)} below the configuration folder"
    elif sum(size) > MAX_FOLDER_BYTES:
        message = (
            f"{shown(use.folder.path)} holds {sum(size):,} bytes; at most {MAX_FOLDER_BYTES:,} can be used"
        )
    if not message:
        return None
    code = Code.FOLDER_TOO_LARGE if size else Code.MISSING_FOLDER
    return Finding(use.pointer, code, f"{where(use.pointer)}: {message}")


def bound_resource(resource: AnyResource, attachments: Attachments) -> AnyResource:
    """The resource with each `{sops}` reference and each folder bound to its content.

    Its digest covers those contents: a new secret or another file makes it another resource.
    """
    sealed = sorted({use.ref.path for use in sealed_uses(resource.spec)})
    folders = sorted({use.folder.path for use in folder_uses(resource.spec)})
    if not (sealed or folders):
        return resource
    contents: list[Any] = [(path, attachments.sealed.get(path, "")) for path in sealed]
    contents += [(path, [tuple(file) for file in attachments.folders.get(path, ())]) for path in folders]
    spec = bound(resource.spec, attachments)
    return replace(resource, spec=spec, digest=digest_of([resource.digest, contents]))


def bound(value: ValueT, attachments: Attachments) -> ValueT:
    """A copy of a spec, or of a part of it, with its references bound; what holds none is not copied."""
    result: Any = value
    if isinstance(value, SecretRef):
        result = value.bound(attachments.sealed.get(value.path, "")) if value.sops is not None else value
    elif isinstance(value, Folder):
        result = value.bound(attachments.folders.get(value.path, ()))
    elif isinstance(value, BaseModel):
        changed = _changed(((name, getattr(value, name)) for name in type(value).model_fields), attachments)
        result = value.model_copy(update=changed) if changed else value
    elif isinstance(value, dict):
        changed = _changed(value.items(), attachments)
        result = {**value, **changed} if changed else value
    elif isinstance(value, list | tuple):
        items = [bound(each, attachments) for each in value]
        same = all(after is before for after, before in zip(items, value, strict=True))
        result = value if same else type(value)(items)
    return result  # type: ignore[no-any-return]


def _changed(items: Any, attachments: Attachments) -> dict[Any, Any]:
    found = {}
    for key, each in items:
        after = bound(each, attachments)
        if after is not each:
            found[key] = after
    return found


def _leaf(annotation: Any, _: Sequence[Any]) -> Walk[FolderUse] | None:
    return _walk_to_folder if annotation is Folder else None


def _walk_to_folder(value: Any, pointer: Pointer) -> Iterator[FolderUse]:
    if isinstance(value, Folder):
        yield FolderUse(pointer, value)


_FOLDERS: Walks[FolderUse] = Walks(_leaf)
