"""Vaults to test with."""

import hashlib
from collections.abc import Iterable, Sequence

from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.secrets.identities import Identities
from argos_gitops.secrets.vault import Vault


def identities(*keys: str) -> Identities:
    return Identities(lambda: SecretValue("\n".join(keys)) if keys else None, {})


def empty_vault() -> Vault:
    return Vault(identities())


class Repository:
    """Blobs by id, as a snapshot reads them."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, data: bytes) -> str:
        blob = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        self.blobs[blob] = data
        return blob

    def read(self, blobs: Sequence[str]) -> Iterable[tuple[str, bytes]]:
        return ((blob, self.blobs[blob]) for blob in blobs)


def vault_of(path: str, data: bytes, *keys: str) -> tuple[Vault, Repository, str]:
    """A vault that knows one file, where it has it from, and the file's blob id."""
    repository = Repository()
    blob = repository.add(data)
    vault = Vault(identities(*keys))
    vault.remember([blob], repository.read)
    return vault, repository, blob


def ref_to(name: str, blob: str) -> SecretRef:
    return SecretRef(sops=name).bound(blob)
