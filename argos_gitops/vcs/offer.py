"""A branch that we offer to people: ours to rewrite, until one of them pushes to it."""

import re
from dataclasses import dataclass, replace
from typing import Protocol

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.commits import AUTHOR, Draft
from argos_gitops.vcs.mirror import Mirror
from argos_gitops.vcs.repository import Repository, own_ref

OFFER_TRAILER = "Argos-Offer"
"""Names, in the message of each commit that we offer, what it holds."""

_TRAILER = re.compile(rf"^{OFFER_TRAILER}: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the branch is. `offer` is the trailer of our commit; None: somebody else's stands there."""

    sha: str
    offer: str | None


class Offer(Protocol):
    """Methods raise GitError; SourceError when the commit to build on cannot be had."""

    def tip(self) -> Tip | None: ...

    def put(self, draft: Draft, over: Tip | None) -> str:
        """Makes the draft the branch's only commit of ours; its id. The draft's own `ref` does not count.

        Raises GitError (reason PushRejected) when the branch is not at `over` any more.
        """
        ...

    def base(self, followed: str | None) -> str | None:
        """The branch to merge into: `followed`, or the default one. None where pull requests cannot be."""
        ...


class LocalOffer:
    """In a repository on this machine, where no pull request can be opened from."""

    def __init__(self, repository: Repository, name: str) -> None:
        self._repository = repository
        self._ref = f"refs/heads/{name}"
        self._draft_ref = own_ref("offers", name)

    def tip(self) -> Tip | None:
        sha = self._repository.resolve([self._ref])[0]
        return _tip(self._repository, sha) if sha else None

    def put(self, draft: Draft, over: Tip | None) -> str:
        commit = _write(self._repository, draft, self._draft_ref)
        expected = over.sha if over else "0" * len(commit)
        try:
            self._repository.git.run("update-ref", self._ref, commit, expected)
        except GitError as error:
            self._repository.check_name(self._ref)
            raise GitError(str(error), reason="PushRejected") from error
        return commit

    def base(self, followed: str | None) -> None:
        """There is no forge here."""


class RemoteOffer:
    """In a mirrored repository, whose forge may open pull requests from it."""

    def __init__(self, mirror: Mirror, name: str) -> None:
        self._mirror = mirror
        self._ref = f"refs/heads/{name}"
        self._draft_ref = own_ref("offers", name)

    def tip(self) -> Tip | None:
        self._mirror.prepare()
        there = self._mirror.advertised(self._ref)
        if there is None:
            return None
        if self._mirror.repository.resolve([f"{there.sha}^{{commit}}"])[0] is None:
            with self._mirror.writing() as repository:
                self._mirror.remote(repository).fetch(f"+{self._ref}:{self._draft_ref}", 1)
        return _tip(self._mirror.repository, there.sha)

    def put(self, draft: Draft, over: Tip | None) -> str:
        if draft.parent is not None:
            self._mirror.fetch(draft.parent)
        with self._mirror.writing() as repository:
            commit = _write(repository, draft, self._draft_ref)
            self._mirror.remote(repository).replace(commit, self._ref, over.sha if over else None)
        return commit

    def base(self, followed: str | None) -> str | None:
        self._mirror.prepare()
        found = self._mirror.advertised(followed)
        name = found.name if found is not None else ""
        return name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else None


def _write(repository: Repository, draft: Draft, ref: str) -> str:
    """On a ref of our own, where whatever was drafted before is no ancestor and goes."""
    if repository.resolve([ref])[0] is not None:
        repository.set_ref(ref, None)
    return repository.write(replace(draft, ref=ref))


def _tip(repository: Repository, sha: str) -> Tip:
    """Ours is what we committed and nobody amended or rebased: that would name another committer."""
    head, _, message = (
        repository.git.run("cat-file", "commit", sha).decode("utf-8", "replace").partition("\n\n")
    )
    trailer = _TRAILER.search(message)
    ours = any(f"\ncommitter {author} " in head for author in (repository.git.author, AUTHOR))
    return Tip(sha, trailer[1] if trailer and ours else None)
