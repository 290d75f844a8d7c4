"""Handing proposals on: each once, until it says something else."""

from collections.abc import Callable

from argos_gitops.model.objects import digest_of
from argos_gitops.ports.proposal import Proposal, Proposer
from argos_gitops.ports.report import PassResult
from argos_gitops.reconcile.parts import Log


class Proposing:
    """A Reporter. What could not be delivered raises ReportError, and is tried again with the next pass."""

    def __init__(self, proposer: Callable[[], Proposer], log: Log) -> None:
        self._proposer = proposer
        self._log = log
        self._delivered: dict[str, str] = {}

    def report(self, result: PassResult) -> None:
        for proposal in result.proposals:
            digest = _digest(proposal)
            if self._delivered.get(proposal.key) != digest:
                place = self._proposer().propose(proposal)
                self._delivered[proposal.key] = digest
                self._log.info("proposed", what=proposal.title, at=place)


def _digest(proposal: Proposal) -> str:
    files = {path: data.hex() for path, data in proposal.files.items()}
    return digest_of([proposal.revision, proposal.title, proposal.body, files])
