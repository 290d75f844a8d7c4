"""Who may report: whoever has the token of a host, or the shared one for hosts without their own."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.audit import AuditEntry, AuditLog
from argos_gitops.ports.host_tokens import HostTokens
from argos_gitops.web.answers import RefusalError
from argos_gitops.web.limits import RateLimit

_AUDITED = (1, 3600.0)
"""What is refused with each report, every half minute, stands in the audit log once an hour."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who has a token; without a `host_id` it is the shared one."""

    host_id: str | None = None


@dataclass(slots=True)
class AgentGate:
    """Lets the tokens of agents pass, each for the host that it speaks for."""

    shared: SecretValue | None
    audited: RateLimit = field(default_factory=lambda: RateLimit(*_AUDITED))

    def admit(self, token: bytes, tokens: HostTokens, now: datetime) -> Reporter:
        """Refuses with 401, or with 503 where no token is set at all, so that nobody could have one.

        Digests are compared and looked up, so that the time it takes tells nothing of a token.
        """
        digest = sha256(token).digest()
        if self.shared is not None and compare_digest(digest, sha256(self.shared.reveal().encode()).digest()):
            return Reporter()
        host_id = tokens.host_of(digest.hex(), now) if token else None
        if host_id is not None:
            return Reporter(host_id)
        if self.shared is None and not tokens.exist():
            message = (
                "reports need a token, and none is set: `argos-gitops token create HOST`, "
                "or ARGOS_AGENT_TOKEN (or ARGOS_AGENT_TOKEN_FILE) for all hosts"
            )
            raise RefusalError(503, "NoAgentToken", message)
        message = "expected the header Authorization: Bearer with the token of a Docker host"
        raise RefusalError(401, "Unauthorized", message, {"WWW-Authenticate": "Bearer"})

    def check(self, reporter: Reporter, host_id: str, tokens: HostTokens) -> None:
        """Refuses with 403 a reporter that does not speak for this host."""
        if reporter.host_id is None:
            if tokens.is_bound(host_id):
                message = "this host has a token of its own; the shared one is not accepted for it"
                raise RefusalError(403, "HostHasToken", message)
        elif reporter.host_id != host_id:
            raise RefusalError(403, "OtherHost", "this token is that of another host")

    def audit(self, entry: AuditEntry, log: AuditLog) -> None:
        """Keeps that somebody was refused, unless the same stands there from within the last hour."""
        key = f"{entry.actor} {entry.subject}"
        if self.audited.wait(key) == 0:
            self.audited.count(key)
            log.append([entry])


def refused(reporter: Reporter, host_id: str, refusal: RefusalError, now: datetime) -> AuditEntry:
    """Somebody reported for a host that is not theirs."""
    return AuditEntry(
        at=now,
        actor=f"docker-agent/{reporter.host_id or 'shared-token'}",
        action="report",
        outcome="refused",
        subject=f"docker-agent/{host_id}",
        message=f"{refusal.reason}: {refusal}",
    )
