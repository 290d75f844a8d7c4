"""Secrets for the plan of a revision that nobody merged: placeholders, and none of the values.

No environment variable, file, key or key service takes part. Only what lies in the repository is read, as it
lies there: encrypted.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

from argos_gitops.manifests.sealed import (
    NoValueError,
    SealedError,
    form_of,
    is_encrypted,
    read_sealed,
    value_at,
)
from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import SecretBytes, SecretRef, SecretValue, placeholder_of
from argos_gitops.ports.secrets import Secrets

_TYPE = re.compile(r",type:(\w+)\]$")
_DIGITS = 12
"""Those at the end of a placeholder that are its own."""

_PORTS = 60_000
"""Numbers stay below, as the number may be meant as a port."""


class Placeholders:
    """Implements ports.secrets.Secrets. `content` gives a SOPS file as it stands in git.

    A reference into a SOPS file has another placeholder as soon as the encrypted value there is another
    one, so that a changed secret shows as a change.
    """

    def __init__(self, content: Callable[[SecretRef], bytes]) -> None:
        self._content = content

    def resolve(self, ref: SecretRef) -> SecretValue:
        return SecretValue(placeholder_of(str(ref) if ref.sops is None else f"{ref} {self._sealed(ref)}"))

    def decrypted(self, path: str, blob: str, data: bytes) -> SecretBytes:
        """The file with a placeholder in the place of each encrypted value."""
        from argos_gitops.secrets.plaintext import plaintext

        try:
            tree = _hidden(read_sealed(path, data).tree)
        except SealedError as error:
            raise SettingsError(f"{path}: {error}", reason="SecretUnreadable") from None
        return SecretBytes(plaintext(tree, form_of(path)))

    def _sealed(self, ref: SecretRef) -> str:
        try:
            return str(value_at(read_sealed(ref.path, self._content(ref)).tree, ref.steps))
        except (SealedError, NoValueError) as error:
            raise SettingsError(f"the secret {ref}: {error}", reason="SecretMissing") from None


class OnlyNamed:
    """Implements ports.secrets.Secrets for the references in `named` alone; any other is refused."""

    def __init__(self, secrets: Secrets, named: Collection[SecretRef]) -> None:
        self._secrets = secrets
        self._named = named

    def resolve(self, ref: SecretRef) -> SecretValue:
        if ref not in self._named:
            raise SettingsError(
                f"the secret {ref} is named by no target of the revision in force, so that the plan of an "
                "unmerged revision does not use it",
                reason="SecretMissing",
            )
        return self._secrets.resolve(ref)

    def decrypted(self, path: str, blob: str, data: bytes) -> SecretBytes:
        raise SettingsError(f"{path} is not decrypted for an unmerged revision", reason="SecretUnreadable")


def _hidden(tree: Any) -> Any:
    """A tree without its encrypted values; comments among the items of a list go, as when decrypting."""
    if isinstance(tree, dict):
        return {key: _hidden(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_hidden(item) for item in tree if _type_of(item) != "comment"]
    return _stand_in(tree) if is_encrypted(tree) else tree


def _stand_in(sealed: Any) -> Any:
    """Of the type of the value, since whoever reads the file may refuse another."""
    placeholder = placeholder_of(str(sealed))
    kind = _type_of(sealed)
    if kind in ("int", "float"):
        return 1 + int(placeholder[-_DIGITS:], 16) % _PORTS
    return False if kind == "bool" else placeholder


def _type_of(value: Any) -> str:
    found = _TYPE.search(value) if isinstance(value, str) and is_encrypted(value) else None
    return found[1] if found else ""
