"""Which commits are believed: the one that is read, or each since the last that was.

`head`    the commit that is read must be signed well by a known key.
`strict`  so must every commit that came with it: all that it contains and the last accepted one does not.
          What came first of all is judged by its head alone, as there is nothing to compare it with; so
          is a commit that somebody names by its id.

A signature is judged at the commit's own date, and when the commit comes to us, since that date can be forged
with a key that has expired or was stolen later. What was accepted once stays so when its key expires: it is
judged at the time of its acceptance. A key that is taken out or revoked counts at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.acceptance import Acceptances
from argos_gitops.vcs.repository import Repository
from argos_gitops.vcs.signatures import Keys, Signature, Verdict, expired_at, signatures_of

UNVERIFIED = "UnverifiedCommit"
MOST_COMMITS = 512
"""How many new commits `strict` looks at; more at once are refused, so that nobody can keep it busy."""

_REMEMBERED = 100
_DEPTHS = (32, MOST_COMMITS)

_ENDED = frozenset({Verdict.KEY_EXPIRED, Verdict.SIGNATURE_EXPIRED})
"""gpg's verdicts that were another one before; it judges by the clock."""

_SAYS = {
    Verdict.BAD: "has a bad signature: it was changed after it was signed, or the signature is no such",
    Verdict.UNKNOWN_KEY: "is signed by a key that is not among the known ones",
    Verdict.SIGNATURE_EXPIRED: "has a signature that has expired",
    Verdict.KEY_EXPIRED: "is signed by a key that had expired when the commit came here, whatever its date",
    Verdict.KEY_REVOKED: "is signed by a key that was revoked",
    Verdict.UNCHECKED: "is signed by a key that is not among the known ones, or in a form that is not read",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A commit that a ref has moved to, in a mirror that may be shallow.

    `known` is the commit that was accepted there last, `deepen` fetches so many commits of its history.
    """

    repository: Repository
    commit: str
    known: str | None
    deepen: Callable[[int], None]


@dataclass
class Trust:
    """The judge of one repository, called `where` in messages. Remembers what it has found good."""

    keys: Keys
    strict: bool
    where: str
    accepted: Acceptances = field(default_factory=Acceptances)
    _good: set[tuple[str, str]] = field(default_factory=set)

    def admit(self, arrival: Arrival) -> None:
        """Judges a commit before it counts as the last accepted one of its ref. Raises SourceError."""
        if self.strict and arrival.known is not None:
            self._judge(arrival.repository, self._since(arrival, arrival.known))
        self.check(arrival.repository, arrival.commit)

    def check(self, repository: Repository, commit: str) -> None:
        """Judges one commit; what was good under the same keys is not judged again. Raises SourceError."""
        good = (self.keys.fingerprint(), commit)
        if good not in self._good:
            self._judge(repository, [commit])
            self._good = {*self._good, good} if len(self._good) < _REMEMBERED else {good}

    def _judge(self, repository: Repository, commits: Sequence[str]) -> None:
        """Raises SourceError unless all are good; then they are accepted."""
        found = signatures_of(repository.git, commits, self.keys) if commits else ()
        judged = [self._at_arrival(repository, each) for each in found]
        refused = [each for each in judged if each.verdict is not Verdict.GOOD]
        if refused:
            raise SourceError(self._message(repository, refused), reason=UNVERIFIED)
        self.accepted.add(reversed(commits))

    def _at_arrival(self, repository: Repository, signature: Signature) -> Signature:
        """As it was when the commit was accepted; as it is now for one that comes."""
        accepted = self.accepted.at(signature.commit)
        if signature.verdict in _ENDED and accepted is not None:
            return replace(signature, verdict=Verdict.GOOD)
        if signature.verdict is not Verdict.GOOD:
            return signature
        at = self.accepted.now() if accepted is None else accepted
        if expired_at(repository.git, signature.commit, self.keys, at):
            return replace(signature, verdict=Verdict.KEY_EXPIRED)
        return signature

    def _message(self, repository: Repository, refused: Sequence[Signature]) -> str:
        first = refused[0]
        others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return (
            f"{self.where}: commit {first.commit[:12]} {first.subject!r} {_said(first, repository)}{others}; "
            f"nothing of it is used. Expected a good signature by a key in {self.keys.names}: sign it anew "
            "(git commit --amend --no-edit -S), or add the signer's key there if you trust it"
        )

    def _since(self, arrival: Arrival, known: str) -> list[str]:
        """All that came after `known`. Raises SourceError when the history is too long to tell."""
        for depth in (0, *_DEPTHS):
            if depth:
                arrival.deepen(depth)
            new = arrival.repository.commits_since(known, arrival.commit)
            if new.whole:
                break
        if new.cut_off or len(new.commits) > MOST_COMMITS:
            raise SourceError(
                f"{self.where}: more than {MOST_COMMITS} commits lie between {known[:12]}, which was "
                f"accepted last, and {arrival.commit[:12]}, or the two have no history in common; not all "
                "can be verified. Push in smaller steps, or set verify_commits to head until this one is in",
                reason=UNVERIFIED,
            )
        return new.commits


def _said(signature: Signature, repository: Repository) -> str:
    """What is wrong, with the signer as far as one is known."""
    if signature.verdict is Verdict.NONE:
        kind = repository.signature_kind(signature.commit)
        return f"carries a signature that cannot be checked ({kind})" if kind else "is not signed"
    found = signature.fingerprint or "unknown"
    signer = f" of {signature.signer}" if signature.signer else ""
    return f"{_SAYS[signature.verdict]} (fingerprint {found}{signer})"
