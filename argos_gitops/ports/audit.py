"""The record of who or what did which thing: only ever appended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed. Everything in it may be shown: it never holds a secret.

    `actor` is `agent/INSTANCE`, `user/NAME@HOST` or `webhook/SENDER`; `action` is create, update or
    delete of an object, or a verb such as suspend, resume, rollback, approve, override, sync, login.
    `cause` says why (revision, drift, expiry, or a person's words), `target` and `subject` are keys
    as people write them (`Edge/main`, `Host/wiki`), `outcome` is done, failed, skipped or refused.
    """

    at: datetime
    actor: str
    action: str
    outcome: str
    cause: str = ""
    revision: str = ""
    target: str = ""
    subject: str = ""
    object_id: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries; an empty field does not narrow. The newest come first."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""
    target: str = ""
    revision: str = ""
    outcome: str = ""
    limit: int = 100


class AuditLog(Protocol):
    def append(self, entries: Sequence[AuditEntry]) -> None: ...

    def entries(self, query: AuditQuery) -> Sequence[AuditEntry]: ...

    def forget(self, before: datetime) -> int:
        """Drops what is older; how many that were."""
        ...
