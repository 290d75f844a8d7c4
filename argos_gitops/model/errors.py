"""The one tree of errors. Each carries a stable CamelCase `reason` that becomes a Condition's reason.

    ArgosError
    ├── ManifestError(problems)     the configuration is invalid
    ├── SettingsError               the bootstrap settings are
    ├── SourceError                 desired bytes could not be had
    ├── GitError                    git itself failed; sources and reports turn it into their own
    ├── ReportError                 somebody could not be told about a pass; its work stands
    ├── StoreError                  our own state could not be read or kept
    ├── UnsafePlanError             the guard refuses
    ├── StalePlanError              the world moved between plan and apply
    └── ProviderError               a target system failed
        ├── TransientError          trying again may help
        └── TerminalError           it will not, until somebody changes something

A message names the object, the place, what was expected, what was found and what to do next.
It never holds a secret. Only `cli` knows exit codes.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argos_gitops.model.problem import Problem


class ArgosError(Exception):
    """The root: `except ArgosError` catches whatever this program raises on purpose."""

    reason = "Failed"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class ManifestError(ArgosError):
    """A revision was rejected; holds every problem found, not the first."""

    reason = "InvalidConfiguration"

    def __init__(self, problems: "Sequence[Problem]") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(ArgosError):
    """A bootstrap setting (file, environment or flag) is missing or wrong."""

    reason = "InvalidSettings"


class SourceError(ArgosError):
    """The desired bytes could not be fetched whole; nothing may be written because of it."""

    reason = "SourceError"


class GitError(ArgosError):
    """A git process failed, or ran out of time (reason GitTimeout)."""

    reason = "GitFailed"


class ReportError(ArgosError):
    """A report (status branch, notification) could not be delivered; what the pass did stands."""

    reason = "ReportFailed"


class StoreError(ArgosError):
    """The state database cannot be opened, read or written."""

    reason = "StoreError"


class UnsafePlanError(ArgosError):
    """The guard blocked a plan; `reasons` says why, one sentence each."""

    reason = "Blocked"

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class StalePlanError(ArgosError):
    """The revision or the live state moved since the plan was made."""

    reason = "StalePlan"


class ProviderError(ArgosError):
    """A target system refused, failed or could not be understood."""

    reason = "ProviderFailed"


class TransientError(ProviderError):
    """Retrying may help. `retry_after` is the least time to wait, where the target named one."""

    reason = "Unreachable"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class TerminalError(ProviderError):
    """Retrying the same thing cannot help: the request, the version or the settings must change."""

    reason = "Rejected"
