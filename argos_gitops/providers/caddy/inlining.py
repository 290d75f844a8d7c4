"""Secrets that Caddy cannot find by itself: their values stand in its configuration.

A variable or a file is named to Caddy as a placeholder of its own. What SOPS encrypted in the repository
has no such place, so while a content is compiled a token stands for it, and in the end its value does.
"""

import re
from collections.abc import Mapping
from typing import Any

from argos_gitops.model.errors import SettingsError, TerminalError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.secret import MASK, SecretRef
from argos_gitops.ports.secrets import Secrets

# NUL can stand in no value that people write: YAML and the fields' patterns refuse it.
_TOKEN = re.compile("\0sops ([0-9a-f]*) ([^\0]+)\0")


def token(secret: SecretRef) -> str:
    """What stands for a `{sops}` secret until it is inlined."""
    return f"\0sops {secret.blob} {secret.sops}\0"


class Inlining:
    """Puts values in the place of tokens, and knows which they were, so that none of them is shown."""

    def __init__(self, edge: ResourceKey, secrets: Secrets) -> None:
        self._edge = edge
        self._secrets = secrets
        self._values: set[str] = set()
        self._labels: set[str] = set()

    def filled(self, content: Any) -> Any:
        """The content with its values; itself when it holds no token. Raises TerminalError."""
        if isinstance(content, str):
            return _TOKEN.sub(self._value, content) if "\0" in content else content
        if isinstance(content, dict):
            changed = {key: new for key, old in content.items() if (new := self.filled(old)) is not old}
            return {**content, **changed} if changed else content
        if isinstance(content, list | tuple):
            items = [self.filled(each) for each in content]
            same = all(new is old for new, old in zip(items, content, strict=True))
            return content if same else type(content)(items)
        return content

    def masked(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        """Fields without any value, and without what stood before where a value stands now."""
        if not self._values:
            return fields
        self._labels |= {label for label, text in fields.items() if self._holds_value(text)}
        return {label: MASK if label in self._labels else text for label, text in fields.items()}

    def _holds_value(self, text: str) -> bool:
        return any(value in text for value in self._values)

    def _value(self, match: re.Match[str]) -> str:
        ref = SecretRef(sops=match[2]).bound(match[1])
        try:
            value = self._secrets.resolve(ref).reveal()
        except SettingsError as error:
            raise TerminalError(f"{self._edge}: {error}", reason=error.reason) from error
        # Caddy expands {…} in its values, unless the brace is escaped (its Replacer).
        inlined = value.replace("{", "\\{")
        self._values |= {value, inlined}
        return inlined
