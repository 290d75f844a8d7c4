"""Proposing a change of the configuration to the people who own it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files as they could be. Nothing in it is a secret.

    `key` names what it is about (`host-grafana`, `main-routes`): the same key is the same proposal, which
    is then brought up to date. `revision` is the commit that the files were read from. `files` are whole
    contents by their path from the configuration root, as in a resource's location. `title` is one line,
    `body` is Markdown.
    """

    key: str
    revision: str
    title: str
    body: str
    files: Mapping[str, bytes]


class Proposer(Protocol):
    def propose(self, proposal: Proposal) -> str:
        """Puts the files on a branch of their own and opens a pull request, or updates the one there is.

        Gives the URL of the pull request, or the name of the branch where no forge is configured. A
        branch that a person has pushed to is left as it is, and so is a proposal that was declined.
        Raises ReportError when it could not be delivered; asking again later is safe.
        """
        ...
