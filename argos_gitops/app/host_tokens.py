"""Tokens for the push agents of Docker hosts: made, exchanged and taken back, each of it audited."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from argos_gitops.model.errors import ArgosError
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.audit import AuditEntry
from argos_gitops.ports.host_tokens import HostToken

if TYPE_CHECKING:
    from argos_gitops.app.application import Application

_BYTES = 32
_PREFIX = "argos_"
"""Lets scanners for leaked secrets tell what they found."""


class TokenDesk:
    """What one person does to the tokens. A token is shown once, to that person; a hash of it is kept."""

    def __init__(self, application: "Application") -> None:
        self._application = application
        self._tokens = application.host_tokens

    def all(self) -> Sequence[HostToken]:
        """By host, the newest of each first; also those that hold no longer."""
        return self._tokens.all()

    def create(self, host_id: str) -> SecretValue:
        """The first token of a host; ArgosError (TokenExists) when it has one that holds."""
        if self._holding(host_id):
            raise ArgosError(
                f"host {host_id} has a token; exchange it with `argos-gitops token rotate {host_id}`",
                reason="TokenExists",
            )
        return self._issue(host_id, "create-token", "")

    def rotate(self, host_id: str, grace: timedelta) -> tuple[SecretValue, datetime]:
        """A new token, and when the old one ends; ArgosError (NoToken) when there is none to exchange."""
        if not self._holding(host_id):
            raise ArgosError(
                f"host {host_id} has no token that holds; make one with `token create {host_id}`",
                reason="NoToken",
            )
        until = self._application.now() + grace
        self._tokens.end(host_id, until)
        message = f"the old one holds until {until:%Y-%m-%d %H:%M:%S} UTC"
        return self._issue(host_id, "rotate-token", message), until

    def revoke(self, host_id: str, *, forget: bool) -> bool:
        """Whether it had one. `forget` also drops what it reported, and that it ever had a token."""
        known = any(each.host_id == host_id for each in self._tokens.all())
        self._tokens.end(host_id, self._application.now())
        reported = False
        if forget:
            self._tokens.forget(host_id)
            reported = self._application.reports.forget_host(host_id)
        if known or reported:
            self._audit("forget-host" if forget else "revoke-token", host_id, "")
        return known or reported

    def _holding(self, host_id: str) -> bool:
        now = self._application.now()
        return any(each.host_id == host_id and each.holds(now) for each in self._tokens.all())

    def _issue(self, host_id: str, action: str, message: str) -> SecretValue:
        token = _PREFIX + secrets.token_urlsafe(_BYTES)
        kept = HostToken(host_id, self._application.now(), self._application.actor)
        self._tokens.add(sha256(token.encode()).hexdigest(), kept)
        self._audit(action, host_id, message)
        return SecretValue(token)

    def _audit(self, action: str, host_id: str, message: str) -> None:
        entry = AuditEntry(
            at=self._application.now(),
            actor=self._application.actor,
            action=action,
            outcome="done",
            subject=f"docker-agent/{host_id}",
            message=message,
        )
        self._application.audit.append([entry])
