"""Secrets from the environment, from files, and from the vault of what SOPS encrypted."""

import json
from collections.abc import Mapping
from pathlib import Path

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import MASK, SecretBytes, SecretRef, SecretValue
from argos_gitops.secrets.vault import Vault

_LARGEST = 64 * 1024


class LocalSecrets:
    """Resolves every reference anew each time, so that whoever asks again gets a rotated value.

    Relative files are not accepted, as they would depend on the caller.
    """

    def __init__(self, environment: Mapping[str, str], vault: Vault) -> None:
        self._environment = environment
        self._vault = vault
        self._told: set[SecretValue] = set()

    def resolve(self, ref: SecretRef) -> SecretValue:
        value = self._found(ref)
        if not value.reveal():
            raise SettingsError(f"the secret {ref} is empty; give it a value", reason="SecretMissing")
        self._told.add(value)
        return value

    def decrypted(self, path: str, blob: str, data: bytes) -> SecretBytes:
        return self._vault.file(path, blob, data)

    def masked(self, encoded: str) -> str:
        """JSON without the values that were resolved here, for what is printed whole."""
        for value in sorted(self._told, key=lambda each: len(each.reveal()), reverse=True):
            for spelling in (value.reveal(), value.reveal().replace("{", "\\{")):
                encoded = encoded.replace(json.dumps(spelling)[1:-1], MASK)
        return encoded

    def _found(self, ref: SecretRef) -> SecretValue:
        if ref.sops is not None:
            return self._vault.value(ref)
        return SecretValue(
            self._from_environment(ref.env) if ref.env else self._from_file(Path(str(ref.file)))
        )

    def _from_environment(self, name: str) -> str:
        if name not in self._environment:
            raise SettingsError(
                f"the secret env {name} is not set; set this variable for the process", reason="SecretMissing"
            )
        return self._environment[name]

    def _from_file(self, path: Path) -> str:
        if not path.is_absolute():
            raise SettingsError(f"the secret file {path} must be an absolute path", reason="SecretMissing")
        try:
            with path.open("rb") as file:
                return file.read(_LARGEST).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"the secret file {path} cannot be read ({type(error).__name__}); check path and rights",
                reason="SecretMissing",
            ) from error
