"""What people ask of the agent: each wish is kept for every replica, and stands in the audit log."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from argos_gitops.model.source import Revision
from argos_gitops.ports.audit import AuditEntry
from argos_gitops.ports.control import AGENT, Override, Pin, Suspension

if TYPE_CHECKING:
    from argos_gitops.app.application import Application


class Ordering:
    """The wishes of one person."""

    def __init__(self, application: "Application") -> None:
        self._application = application
        self._controls = application.controls

    def suspend(self, subjects: Sequence[str], reason: str) -> None:
        """Nothing is done to `subjects` (KIND/NAME, or AGENT) until they are resumed."""
        for subject in subjects:
            self._controls.suspend(
                Suspension(subject, self._application.actor, self._application.now(), reason)
            )
            self._audit("suspend", reason, subject=subject)

    def resume(self, subjects: Sequence[str], reason: str) -> list[str]:
        """Those of them that a person had suspended."""
        resumed = [subject for subject in subjects if self._controls.resume(subject)]
        for subject in resumed:
            self._audit("resume", reason, subject=subject)
        return resumed

    def pin(self, revision: Revision, reason: str) -> None:
        """The agent goes to `revision`, and stays there until it is unpinned."""
        self._controls.set_pin(Pin(revision.sha, self._application.actor, self._application.now(), reason))
        self._audit("rollback", reason, subject=AGENT, revision=revision.sha)

    def unpin(self, reason: str) -> Pin | None:
        """The pin that held until now."""
        pin = self._controls.pin()
        if pin is not None:
            self._controls.set_pin(None)
            self._audit("resume", reason, subject=AGENT, revision=pin.revision)
        return pin

    def approve(self, digest: str) -> None:
        """The agent may apply the one plan of `digest`, whatever the guard says."""
        self._controls.approve(digest, self._application.actor, self._application.now())
        self.approved(digest)

    def approved(self, digest: str) -> None:
        """Somebody overruled the guard for the one plan of `digest`."""
        self._audit("approve", "", subject="", message=f"plan {digest}")

    def sync(self) -> int:
        """The agent is to look at everything now; the number of the request."""
        number = self._controls.request_sync(self._application.actor, self._application.now())
        self._audit("sync", "", subject=AGENT)
        return number

    def override_windows(self, duration: timedelta, reason: str) -> Override:
        """Closed windows do not count for so long: an emergency. No time at all ends an override."""
        now = self._application.now()
        override = Override(now + duration, self._application.actor, now, reason)
        self._controls.set_override(override if duration else None)
        until = f"until {override.until:%Y-%m-%d %H:%M:%S} UTC" if duration else "ended"
        self._audit("override", reason, subject=AGENT, message=f"closed windows do not count: {until}")
        return override

    def _audit(self, action: str, cause: str, *, subject: str, revision: str = "", message: str = "") -> None:
        entry = AuditEntry(
            at=self._application.now(),
            actor=self._application.actor,
            action=action,
            outcome="done",
            cause=cause,
            revision=revision,
            subject=subject,
            message=message,
        )
        self._application.audit.append([entry])
