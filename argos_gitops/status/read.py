"""The reading side: what a status branch says, for the `status` and `drift` commands."""

from collections.abc import Mapping
from dataclasses import dataclass

from argos_gitops.model.errors import GitError, ReportError
from argos_gitops.status.tree import DRIFT, README, STATUS, parse_status
from argos_gitops.vcs.branch import Branch


@dataclass(frozen=True, slots=True)
class StatusPages:
    """The branch at one commit: the data of status.yaml, and two pages as they stand there."""

    commit: str
    status: Mapping[str, object]
    readme: str
    drift: str


def read_status(branch: Branch) -> StatusPages | None:
    """What stands on the branch now; None when there is no such branch yet. Raises ReportError."""
    try:
        base = branch.refresh()
        return _read(branch, base.tip) if base.tip is not None else None
    except (GitError, ValueError) as error:
        raise ReportError(f"{branch.ref} could not be read: {error}") from error


def _read(branch: Branch, commit: str) -> StatusPages:
    names = [STATUS, README, DRIFT]
    ids = branch.repository.resolve([f"{commit}:{name}" for name in names])
    missing = [name for name, blob in zip(names, ids, strict=True) if blob is None]
    if missing:
        raise ReportError(f"{branch.ref} has no {missing[0]}; another program may write this branch")
    status, readme, drift = (content for _, content in branch.repository.read_blobs([i for i in ids if i]))
    return StatusPages(commit, parse_status(status), readme.decode(), drift.decode())
