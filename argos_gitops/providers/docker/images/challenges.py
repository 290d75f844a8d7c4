"""How a registry wants to know who asks: the `WWW-Authenticate` of its 401 (RFC 9110, chapter 11; the
token flow of distribution's docs/spec/auth/token.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

import httpx

from argos_gitops.model.errors import TerminalError
from argos_gitops.providers.docker.images.refusals import is_loopback


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way that is accepted: `bearer` or `basic`, with its parameters."""

    scheme: str
    parameters: Mapping[str, str]

    def token_url(self, scope: str, registry: str) -> httpx.URL:
        """Where a token is had. TerminalError where that is no place to send a password to."""
        try:
            realm = httpx.URL(self.parameters.get("realm", ""))
        except httpx.InvalidURL:
            realm = httpx.URL("")
        if realm.scheme != "https" and not (realm.scheme == "http" and is_loopback(realm.host)):
            message = f"{registry} sends us for a token to a place without TLS, which must not get a password"
            raise TerminalError(message, reason="RegistryNotUnderstood")
        wanted = {"service": self.parameters.get("service"), "scope": self.parameters.get("scope") or scope}
        return realm.copy_merge_params({name: value for name, value in wanted.items() if value})


def challenges_of(refusal: httpx.Response) -> Iterator[Challenge]:
    """Those that can be met, in the registry's order."""
    for line in refusal.headers.get_list("WWW-Authenticate"):
        scheme, _, rest = line.strip().partition(" ")
        pairs = [part for part in parse_http_list(rest) if "=" in part]
        if scheme.lower() in ("bearer", "basic"):
            yield Challenge(scheme.lower(), parse_keqv_list(pairs))


def token_of(answer: Any) -> str | None:
    """The token in what a token server said; servers differ in what they call it."""
    if not isinstance(answer, dict):
        return None
    found = answer.get("token") or answer.get("access_token")
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else None
