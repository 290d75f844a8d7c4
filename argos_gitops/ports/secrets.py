"""Where secret values come from."""

from typing import Protocol

from argos_gitops.model.secret import SecretBytes, SecretRef, SecretValue


class Secrets(Protocol):
    def resolve(self, ref: SecretRef) -> SecretValue:
        """The value; raises SettingsError (reason SecretMissing) that names the place, never a value."""
        ...

    def decrypted(self, path: str, blob: str, data: bytes) -> SecretBytes:
        """A file that SOPS encrypted, whole and in plain text, in the form that its name says.

        `data` is what it holds in git, `blob` its id there. Raises SettingsError (SecretUnreadable).
        """
        ...
