"""What a source of desired bytes hands over."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of a source that was actually read.

    `sha` is the commit, or for a plain directory a digest of its content; `tree` identifies the
    bytes of the configuration folder alone, so equal trees mean equal configuration.
    """

    sha: str
    tree: str
    ref: str
    subject: str = ""
    committed_at: datetime | None = None
    is_commit: bool = True

    @property
    def short(self) -> str:
        return self.sha[:7]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a revision: path from the configuration root, git blob id, git mode, bytes."""

    path: str
    blob: str
    mode: int
    size: int
