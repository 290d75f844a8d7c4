"""The events that people can be told of: their names, how bad each is, and which one is the end of which."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return tuple(Severity).index(self)


class EventKind(NamedTuple):
    """`ends` is the event whose state this one is the end of; empty for all others."""

    severity: Severity
    meaning: str
    ends: str = ""


_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR

EVENTS = {
    "RevisionApplied": EventKind(_INFO, "a revision's changes were made on a target, and all succeeded"),
    "PassFailed": EventKind(_ERROR, "changes of a target failed, or its pass could not be finished"),
    "PassRecovered": EventKind(_INFO, "the target has no failed changes any more", "PassFailed"),
    "PassBlocked": EventKind(_WARNING, "the guard refuses a plan until a person approves its digest"),
    "PassUnblocked": EventKind(_INFO, "nothing of the target is blocked any more", "PassBlocked"),
    "TargetUnreachable": EventKind(_ERROR, "a system of a target does not answer, or cannot be understood"),
    "TargetRecovered": EventKind(_INFO, "the target answers again", "TargetUnreachable"),
    "TargetDegraded": EventKind(_WARNING, "something is amiss with a target, and stops nothing"),
    "TargetRestored": EventKind(_INFO, "that is over", "TargetDegraded"),
    "ResourceUnhealthy": EventKind(_ERROR, "a resource was applied, and its effect cannot be proven"),
    "ResourceRecovered": EventKind(_INFO, "the resource is ready again", "ResourceUnhealthy"),
    "DriftDetected": EventKind(_WARNING, "the world differs from what was applied, and is left as it is"),
    "DriftResolved": EventKind(_INFO, "the difference is gone without our doing", "DriftDetected"),
    "DriftRepaired": EventKind(_INFO, "what the world had changed was put back"),
    "Flapping": EventKind(_WARNING, "a repair is undone again and again, and is made less often"),
    "FlappingEnded": EventKind(_INFO, "the repair holds", "Flapping"),
    "Suspended": EventKind(_INFO, "nothing is done to a resource or a target until it is resumed"),
    "Resumed": EventKind(_INFO, "it is taken care of again", "Suspended"),
    "RolledBack": EventKind(_ERROR, "a target went back from a revision whose probes failed"),
    "RollbackEnded": EventKind(_INFO, "the target follows git again", "RolledBack"),
    "ConfigurationRejected": EventKind(_ERROR, "a revision has problems; the last good one stays in force"),
    "ConfigurationAccepted": EventKind(_INFO, "git's newest revision is valid", "ConfigurationRejected"),
    "UnverifiedCommit": EventKind(_ERROR, "a commit is not signed by anybody who is trusted"),
    "CommitVerified": EventKind(_INFO, "git's newest revision is signed as it should be", "UnverifiedCommit"),
    "SourceUnavailable": EventKind(_ERROR, "git could not be read; nothing is written because of it"),
    "SourceRecovered": EventKind(_INFO, "git can be read again", "SourceUnavailable"),
    "HistoryRewritten": EventKind(_WARNING, "the branch was moved to where its old tip is no ancestor"),
    "ReportFailed": EventKind(_WARNING, "the status branch or the forge could not be told of a pass"),
    "ReportRecovered": EventKind(_INFO, "it can be told again", "ReportFailed"),
    "ChannelFailed": EventKind(_WARNING, "a channel was given up for a message, which others are told of"),
    "ChannelRecovered": EventKind(_INFO, "the channel delivers again", "ChannelFailed"),
    "NotificationsDropped": EventKind(_WARNING, "more waited than is kept; the least important were dropped"),
    "Test": EventKind(_INFO, "somebody asked for it: argos-gitops doctor --send-test CHANNEL"),
}
"""All of them by name, in the order of docs/notifications.md."""

ENDS = {kind.ends: name for name, kind in EVENTS.items() if kind.ends}
"""The event that tells the end of a state, by the event that tells its beginning."""
