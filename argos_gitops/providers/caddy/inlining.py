"""Secrets that Caddy cannot find by itself: their values stand in its configuration.

A variable or a file is named to Caddy as a placeholder of its own. What SOPS encrypted in the repository
has no such place, so while a content is compiled a token stands for it, and in the end its value does.
"""

import re
from collections.abc import Mapping
from typing import Any

from argos_gitops.model.errors import SettingsError, TerminalError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.secret import MASK, PLACEHOLDER, SecretRef
from argos_gitops.ports.secrets import Secrets
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.fragments import SEALED


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
            return SEALED.sub(self._value, content) if "\0" in content else content
        if isinstance(content, dict):
            changed = {key: new for key, old in content.items() if (new := self.filled(old)) is not old}
            return {**content, **changed} if changed else content
        if isinstance(content, list | tuple):
            items = [self.filled(each) for each in content]
            same = all(new is old for new, old in zip(items, content, strict=True))
            return content if same else type(content)(items)
        return content

    def learn(self, content: Any) -> None:
        """Looks where values of a compiled content show: what stands there on the target is masked too."""
        if self._values:
            shown = fields(content).items()
            self._labels |= {label for label, text in shown if any(each in text for each in self._values)}

    def masked(self, content: Any) -> Mapping[str, str]:
        """A content's fields, without those where secrets stand or have stood; placeholders are none."""
        shown = fields(content)
        if not self._labels:
            return shown
        return {label: MASK if self._hides(label, text) else text for label, text in shown.items()}

    def _hides(self, label: str, text: str) -> bool:
        return label in self._labels and PLACEHOLDER.search(text) is None

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
