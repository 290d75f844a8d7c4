"""References to secrets that lie encrypted in the repository: found, and checked.

Nothing is decrypted here, so that whoever has no key can validate all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from argos_gitops.manifests.problems import Code, Finding, Pointer
from argos_gitops.manifests.sealed import (
    NotSealedError,
    NoValueError,
    Sealed,
    is_encrypted,
    read_sealed,
    value_at,
)
from argos_gitops.manifests.walks import Walk, Walks
from argos_gitops.manifests.wording import did_you_mean, shown, where
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.source import SourceFile

_REGULAR = 0o100000
_TYPE = 0o170000


class SecretUse(NamedTuple):
    """Where in a document which SOPS file is named."""

    pointer: Pointer
    ref: SecretRef


def sealed_uses(spec: BaseModel) -> tuple[SecretUse, ...]:
    """The `{sops}` references of one spec, with pointers from the root of its document."""
    walk = _WALKS.of(type(spec))
    return tuple(walk(spec, ("spec",))) if walk else ()


class SealedFiles:
    """What is known of the SOPS files of one revision; read but once for each content."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Sealed | str] = {}

    def learn(self, files: Sequence[SourceFile], contents: Mapping[str, bytes]) -> None:
        """Takes the contents by blob of `files`, which are all that are named; forgets all others."""
        known, self._known = self._known, {}
        for file in files:
            identity = (file.path, file.blob)
            self._known[identity] = known.get(identity) or _read(file, contents[file.blob])

    def unknown(self, files: Sequence[SourceFile]) -> list[str]:
        """The blobs whose content `learn` will need."""
        return list(dict.fromkeys(file.blob for file in files if (file.path, file.blob) not in self._known))

    def finding(self, use: SecretUse, files: Mapping[str, SourceFile]) -> Finding | None:
        """What is wrong with one reference in a revision of these files, by path."""
        file = files.get(use.ref.path)
        if file is None or file.mode & _TYPE != _REGULAR:  # a link leads nowhere here
            message = f"there is no file {shown(use.ref.path)} below the configuration folder"
            return _finding(use, Code.MISSING_SECRET, message + did_you_mean(use.ref.path, files))
        sealed = self._known.get((file.path, file.blob), "it is too large for a file of secrets")
        if isinstance(sealed, str):
            return _finding(use, Code.SECRET_NOT_ENCRYPTED, f"{shown(file.path)}: {sealed}")
        try:
            value = value_at(sealed.tree, use.ref.steps)
        except NoValueError as error:
            return _finding(use, Code.MISSING_SECRET, f"{shown(file.path)}: {error}")
        if not is_encrypted(value):
            message = f"{shown(file.path)}: {'.'.join(use.ref.steps)} is not encrypted there, or empty"
            return _finding(use, Code.SECRET_NOT_ENCRYPTED, message)
        return None


def _read(file: SourceFile, data: bytes) -> Sealed | str:
    try:
        return read_sealed(file.path, data)
    except NotSealedError as error:
        return str(error)


def _finding(use: SecretUse, code: Code, message: str) -> Finding:
    return Finding(use.pointer, code, f"{where(use.pointer)}: {message}")


def secret_refs(spec: BaseModel) -> Iterator[SecretRef]:
    """Every reference to a secret in one spec, of whatever kind."""
    walk = _EVERY_WALK.of(type(spec))
    return walk(spec, ()) if walk else iter(())


def _leaf(annotation: Any, _: Sequence[Any]) -> Walk[SecretUse] | None:
    return _walk_to_secret if annotation is SecretRef else None


def _every_leaf(annotation: Any, _: Sequence[Any]) -> Walk[SecretRef] | None:
    return _walk_to_reference if annotation is SecretRef else None


def _walk_to_reference(value: Any, _: Pointer) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value


def _walk_to_secret(value: Any, pointer: Pointer) -> Iterator[SecretUse]:
    if isinstance(value, SecretRef) and value.sops is not None:
        yield SecretUse(pointer, value)


_WALKS: Walks[SecretUse] = Walks(_leaf)
_EVERY_WALK: Walks[SecretRef] = Walks(_every_leaf)
