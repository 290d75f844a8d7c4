"""Where secret values come from."""

from typing import Protocol

from argos_gitops.model.secret import SecretRef, SecretValue


class Secrets(Protocol):
    def resolve(self, ref: SecretRef) -> SecretValue:
        """The value; raises SettingsError (reason SecretMissing) that names the place, never a value."""
        ...
