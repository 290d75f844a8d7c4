"""Secrets from the environment and from files."""

from collections.abc import Mapping
from pathlib import Path

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import SecretRef, SecretValue

_LARGEST = 64 * 1024


class LocalSecrets:
    """Resolves `{env}` and `{file}`; relative files are not accepted, as they would depend on the caller."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def resolve(self, ref: SecretRef) -> SecretValue:
        value = self._from_environment(ref.env) if ref.env else self._from_file(Path(str(ref.file)))
        if not value:
            raise SettingsError(f"the secret {ref} is empty; give it a value", reason="SecretMissing")
        return SecretValue(value)

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
