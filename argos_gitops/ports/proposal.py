"""Proposing a change of the configuration to the people who own it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files as they could be. Nothing in it is a secret.

    `key` names what it is about (`host-grafana`, `main-routes`): the same key is the same proposal, which
    is then brought up to date. `revision` is the commit that the files were read from. `files` are whole
    contents by their path from the configuration root, as in a resource's location. `title` is one line,
    `body` is Markdown. `topic` is the family that it belongs to. `meaning`, where it is given, tells one
    proposal from the next: whoever declined it has declined it whatever else its files say by then.
    """

    key: str
    revision: str
    title: str
    body: str
    files: Mapping[str, bytes]
    topic: str = "drift"
    meaning: str = ""


class Proposer(Protocol):
    def propose(self, proposal: Proposal) -> str:
        """Puts the files on a branch of their own and opens a pull request, or updates the one there is.

        Gives the URL of the pull request, or the name of the branch where no forge is configured. A
        branch that a person has pushed to is left as it is, and so is a proposal that was declined.
        Raises ReportError when it could not be delivered; asking again later is safe.
        """
        ...

    def commit(self, proposal: Proposal) -> str:
        """Puts the files on the followed branch itself; the id of the commit.

        Raises ReportError where that branch cannot be written to, or is not at the proposal's revision.
        """
        ...

    def withdraw(self, topic: str, keep: Collection[str]) -> Sequence[str]:
        """Closes the open pull requests of a topic whose keys are not in `keep`; their URLs.

        One that a person has pushed to stays. Does nothing where no forge is configured.
        """
        ...
