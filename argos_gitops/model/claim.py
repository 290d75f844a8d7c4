"""Who writes to a system, kept in the system itself, so that two writers never undo each other. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.resource import TAKE_OVER_ANNOTATION, ResourceKey

CLAIMED_BY_ANOTHER = "ClaimedByAnother"
"""The reason of a TerminalError: another writer holds the system."""


@dataclass(frozen=True, slots=True)
class Writer:
    """An instance, and what it follows.

    `repository` is for people, `identity` the same for all spellings of one repository and folder. `branch`
    is empty for the repository's own.
    """

    instance: str
    repository: str
    identity: str
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """The mark of a writer. `id` is another one each time that a system is claimed."""

    id: str
    writer: Writer
    since: str

    def data(self) -> dict[str, str]:
        writer = self.writer
        return {
            "id": self.id,
            "instance": writer.instance,
            "repository": writer.repository,
            "identity": writer.identity,
            "branch": writer.branch,
            "since": self.since,
        }


def claim_of(data: Any) -> Claim | None:
    """The claim that `data` describes; None where it is none."""
    if not isinstance(data, Mapping):
        return None
    names = ("id", "instance", "repository", "identity", "branch", "since")
    found = [data.get(name) for name in names]
    if not all(isinstance(each, str) for each in found):
        return None
    number, instance, repository, identity, branch, since = (str(each) for each in found)
    return Claim(number, Writer(instance, repository, identity, branch), since)


def claim_for(
    writer: Writer, found: Claim | None, target: ResourceKey, taken_over: str | None, now: datetime
) -> Claim:
    """The claim that stands once `writer` writes to a system where it found another one.

    Two instances that follow one branch of one repository want the same, and share a claim; so does an
    instance that goes to another branch. Everybody else raises TerminalError (reason ClaimedByAnother), but
    where `taken_over` is the id of the claim that was found: that id is never given again, so that two who
    take over from each other stop after one turn.
    """
    if found is not None and _same(writer, found.writer):
        return found
    if found is not None and found.id != taken_over:
        other = found.writer
        branch = f" (branch {other.branch})" if other.branch else ""
        raise TerminalError(
            f"{target} is written by the instance {other.instance} from {other.repository}{branch} since "
            f"{found.since}, and not by {writer.instance} from {writer.repository}; nothing is written. Take "
            f"{target} out of one of the two, or take over: stop the other, and set the annotation "
            f'{TAKE_OVER_ANNOTATION}: "{found.id}" on {target}',
            reason=CLAIMED_BY_ANOTHER,
        )
    since = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    number = digest_of([writer.identity, writer.instance, since, found.id if found else ""])[:12]
    return Claim(number, writer, since)


def _same(one: Writer, other: Writer) -> bool:
    alike = one.instance == other.instance or one.branch == other.branch
    return one.identity == other.identity and alike
