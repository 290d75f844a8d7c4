"""The age identities that decrypt what SOPS encrypted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import SecretValue

OURS = "ARGOS_AGE_KEY or ARGOS_AGE_KEY_FILE"
_PREFIX = "AGE-SECRET-KEY-1"


@dataclass(frozen=True, slots=True)
class Identities:
    """Looked up each time, so that a new key file is found without a restart.

    `ours` gives what the settings say; SOPS_AGE_KEY and SOPS_AGE_KEY_FILE count as for SOPS itself.
    """

    ours: Callable[[], SecretValue | None]
    environment: Mapping[str, str]

    def texts(self) -> Iterator[SecretValue]:
        """What was given, whole: comments, empty lines, several keys."""
        given = self.ours()
        if given is not None:
            yield given
        if text := self.environment.get("SOPS_AGE_KEY"):
            yield SecretValue(text)
        if path := self.environment.get("SOPS_AGE_KEY_FILE"):
            yield SecretValue(_content(Path(path)))

    def keys(self) -> Sequence[Any]:
        """pyrage's identities. Raises SettingsError for a key that is none."""
        import pyrage

        try:
            return [pyrage.x25519.Identity.from_str(word) for word in self._words()]
        except pyrage.IdentityError:
            raise SettingsError(
                f"a key in {OURS} (or SOPS_AGE_KEY, SOPS_AGE_KEY_FILE) looks like an age identity and is "
                "none; was it cut off?",
                reason="SecretUnreadable",
            ) from None

    def _words(self) -> Iterator[str]:
        for text in self.texts():
            for line in text.reveal().splitlines():
                if not line.lstrip().startswith("#"):
                    yield from (word for word in line.split() if word.upper().startswith(_PREFIX))


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"SOPS_AGE_KEY_FILE names {path}: unreadable ({type(error).__name__})", reason="SecretUnreadable"
        ) from error
