"""Proposes changes of the configuration: a branch with one commit, and a pull request from it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from posixpath import join

from argos_gitops.model.errors import GitError, ReportError, SourceError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.proposal import Proposal
from argos_gitops.status.forge.access import ForgeAccess
from argos_gitops.status.forge.forge import Forge, NewPullRequest, PullRequest, upsert_pull_request
from argos_gitops.vcs.commits import Draft, with_trailers
from argos_gitops.vcs.offer import OFFER_TRAILER, Offer

_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ConfigRepository:
    """`offer` opens a branch by its name, or gives None where there is no git; `folder` is the
    configuration root, `followed` the branch that is read (None: the default branch)."""

    offer: Callable[[str], Offer | None]
    folder: str = ""
    followed: str | None = None


class Proposals:
    """A Proposer. Branches are called `argos/drift/INSTANCE/KEY`.

    The branch is built on the revision that the files were read from, so that a merge brings together what
    happened meanwhile. It is rewritten when the files change, and only while no commit of a person stands
    on it. A pull request that was closed is not opened again for the very same files.
    """

    def __init__(
        self, instance: str, repository: ConfigRepository, access: ForgeAccess, clock: Clock
    ) -> None:
        self._instance = instance
        self._repository = repository
        self._access = access
        self._clock = clock

    def propose(self, proposal: Proposal) -> str:
        """The URL of the pull request, or the name of the branch where there is no forge."""
        name = f"argos/drift/{self._instance}/{_slug(proposal.key)}"
        offer = self._repository.offer(name)
        if offer is None:
            raise ReportError("a folder without git has no branch to propose anything on")
        try:
            spec = self._forge_spec()
            base = offer.base(self._repository.followed)
            if spec is None or base is None:
                self._put(offer, proposal)
                return name
            with self._access.forge(spec) as forge:
                return self._on_forge(forge, offer, proposal, NewPullRequest(name, base, "", ""))
        except (GitError, SourceError) as error:
            raise ReportError(f"{name} could not be pushed: {error}") from error

    def _forge_spec(self) -> ForgeSpec | None:
        """None where there is surely no forge; a branch without its pull request would stay unseen."""
        if self._access.agent is None:
            self._access.follow(None)
        if self._access.agent is None:
            raise ReportError("no revision has told yet whether there is a forge; it is tried again")
        return self._access.spec

    def _on_forge(self, forge: Forge, offer: Offer, proposal: Proposal, new: NewPullRequest) -> str:
        sign = f"<!-- argos-gitops:offer {_digest(proposal)} -->"
        pulls = forge.pull_requests_from(new.branch)
        known = next((pull for pull in pulls if pull.open), None)
        declined = _declined(pulls, sign)
        if known is None and declined is not None:
            return declined.url
        spent = known is None and any(pull.merged for pull in pulls)
        if not self._put(offer, proposal, spent=spent):
            return known.url if known is not None else new.branch
        if known is not None and sign in known.body:
            return known.url
        body = f"{proposal.body.rstrip()}\n\n{sign}\n"
        return upsert_pull_request(forge, NewPullRequest(new.branch, new.base, proposal.title, body)).url

    def _put(self, offer: Offer, proposal: Proposal, *, spent: bool = False) -> bool:
        """Whether the branch holds the proposal now; not where somebody works on it.

        A `spent` branch was merged already: the same files once more are another commit.
        """
        tip = offer.tip()
        if tip is not None and tip.offer is None:
            return False
        if tip is None or spent or tip.offer != _digest(proposal):
            offer.put(self._draft(proposal), tip)
        return True

    def _draft(self, proposal: Proposal) -> Draft:
        trailers = {"Argos-Instance": self._instance, OFFER_TRAILER: _digest(proposal)}
        return Draft(
            ref="",
            parent=proposal.revision,
            message=with_trailers(proposal.title, trailers),
            at=self._clock.now(),
            writes={join(self._repository.folder, path): data for path, data in proposal.files.items()},
        )


def _slug(key: str) -> str:
    """A part of a branch name; what it leaves out of the key comes back as a digest."""
    slug = _SLUG.sub("-", key.lower()).strip("-")[:60].strip("-")
    return slug if slug == key else f"{slug or 'proposal'}-{blake2b(key.encode(), digest_size=4).hexdigest()}"


def _digest(proposal: Proposal) -> str:
    hashed = blake2b(digest_size=16)
    for path, content in sorted(proposal.files.items()):
        hashed.update(f"{len(path)}:{path}{len(content)}:".encode())
        hashed.update(content)
    return hashed.hexdigest()


def _declined(pulls: Sequence[PullRequest], sign: str) -> PullRequest | None:
    """The pull request in which people have seen the same files and said no."""
    return next((pull for pull in pulls if not pull.open and not pull.merged and sign in pull.body), None)
