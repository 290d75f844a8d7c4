"""What Compose refuses, as problems of the user's own files."""

from collections.abc import Sequence
from enum import StrEnum

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.problem import Problem


class ComposeCode(StrEnum):
    """What can be wrong with the files of a Stack; each is explained in docs/reference/problems.md."""

    INVALID = "ComposeInvalid"
    MISSING = "ComposeMissing"
    OUTSIDE = "ComposeOutside"
    REMOTE_MOUNT = "ComposeRemoteMount"
    UNCONFINED = "ComposeUnconfined"
    UNSET = "ComposeVariableUnset"
    WARNING = "ComposeWarning"


class ComposeError(TerminalError):
    """Compose does not take a Stack; holds every problem found, each with its place where it can be told.

    Reasons: ComposeInvalid for the files, ComposeMissing where there is no program to ask, ComposeUnconfined
    where this machine cannot confine it.
    """

    reason = ComposeCode.INVALID

    def __init__(self, problems: Sequence[Problem], *, reason: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), reason=reason)
