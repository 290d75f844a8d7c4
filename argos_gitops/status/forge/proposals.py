"""Proposes changes of the configuration: a branch with one commit, and a pull request from it."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from posixpath import join

from argos_gitops.model.errors import GitError, ReportError, SourceError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.planning.render.lines import inert
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.proposal import Proposal
from argos_gitops.status.forge.access import ForgeAccess
from argos_gitops.status.forge.forge import Forge, NewPullRequest, PullRequest, upsert_pull_request
from argos_gitops.vcs.commits import Draft, with_trailers
from argos_gitops.vcs.offer import OFFER_TRAILER, Offer, Tip

_SIGN = "<!-- argos-gitops:offer {} -->"
_ANY_SIGN = re.compile(_SIGN.format(r"\w+"))
_OBSOLETE = "*Closed by argos-gitops: what this proposed is done already, or wanted no more.*"
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ConfigRepository:
    """`offer` opens a branch by its name, or gives None where there is no git; `folder` is the
    configuration root, `followed` the branch that is read (None: the default branch). `signed`: only
    commits with a trusted signature are followed, and ours have none."""

    offer: Callable[[str], Offer | None]
    folder: str = ""
    followed: str | None = None
    signed: bool = False


class Proposals:
    """A Proposer. Branches are called `argos/TOPIC/INSTANCE/KEY`.

    The branch is built on the revision that the files were read from, so that a merge brings together what
    happened meanwhile. It is rewritten when the files change, and only while no commit of a person stands
    on it. A pull request that was closed is not opened again for what means the same.
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
        name = self._family(proposal.topic) + _slug(proposal.key)
        offer = self._open(name)
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

    def commit(self, proposal: Proposal) -> str:
        """Only on top of the very revision that was edited, so that nobody's work is written over."""
        if self._repository.signed:
            message = "the agent follows signed commits alone, and cannot sign its own; use `mode: propose`"
            raise ReportError(message, reason="NotSigned")
        base = self._base()
        if base is None:
            message = "no branch is followed that could be pushed to; use `mode: propose`"
            raise ReportError(message, reason="NoBranch")
        try:
            return self._open(base).put(self._draft(proposal), Tip(proposal.revision, None))
        except (GitError, SourceError) as error:
            raise ReportError(f"{base} could not be pushed to: {error}") from error

    def withdraw(self, topic: str, keep: Collection[str]) -> Sequence[str]:
        """Those of our pull requests that are obsolete; what they said is no longer held for declined."""
        spec, base, family = self._forge_spec(), self._base(), self._family(topic)
        if spec is None or base is None:
            return ()
        kept = {family + _slug(key) for key in keep}
        with self._access.forge(spec) as forge:
            return [
                _withdrawn(forge, pull)
                for pull in forge.open_pull_requests(base)
                if _is_of(pull, family) and pull.branch not in kept and self._is_ours(pull.branch)
            ]

    def _family(self, topic: str) -> str:
        return f"argos/{topic}/{self._instance}/"

    def _open(self, name: str) -> Offer:
        offer = self._repository.offer(name)
        if offer is None:
            raise ReportError("a folder without git has no branch to propose anything on")
        return offer

    def _base(self) -> str | None:
        """The branch that is followed, where it is one and can be pushed to."""
        try:
            return self._open(self._family("")).base(self._repository.followed)
        except (GitError, SourceError) as error:
            raise ReportError(f"the repository could not be asked for its branches: {error}") from error

    def _is_ours(self, branch: str) -> bool:
        """Whether only we have committed to it."""
        try:
            tip = self._open(branch).tip()
        except (GitError, SourceError) as error:
            raise ReportError(f"{branch} could not be read: {error}") from error
        return tip is not None and tip.offer is not None

    def _forge_spec(self) -> ForgeSpec | None:
        """None where there is surely no forge; a branch without its pull request would stay unseen."""
        if self._access.agent is None:
            self._access.follow(None)
        if self._access.agent is None:
            raise ReportError("no revision has told yet whether there is a forge; it is tried again")
        return self._access.spec

    def _on_forge(self, forge: Forge, offer: Offer, proposal: Proposal, new: NewPullRequest) -> str:
        sign = _SIGN.format(_meaning(proposal))
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
        return upsert_pull_request(
            forge, NewPullRequest(new.branch, new.base, inert(proposal.title), body)
        ).url

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


def _meaning(proposal: Proposal) -> str:
    if not proposal.meaning:
        return _digest(proposal)
    return blake2b(proposal.meaning.encode(), digest_size=16).hexdigest()


def _is_of(pull: PullRequest, family: str) -> bool:
    return pull.branch.startswith(family) and not pull.foreign and _ANY_SIGN.search(pull.body) is not None


def _withdrawn(forge: Forge, pull: PullRequest) -> str:
    forge.edit_pull_request(pull.number, pull.title, _ANY_SIGN.sub(_OBSOLETE, pull.body))
    forge.close_pull_request(pull.number)
    return pull.url


def _declined(pulls: Sequence[PullRequest], sign: str) -> PullRequest | None:
    """The pull request in which people have seen the same and said no."""
    return next((pull for pull in pulls if not pull.open and not pull.merged and sign in pull.body), None)
