"""A branch that several writers append to, here or on a remote. Nobody ever forces it."""

from dataclasses import dataclass, replace
from typing import Protocol

from argos_gitops.vcs.commits import Draft
from argos_gitops.vcs.mirror import Mirror
from argos_gitops.vcs.repository import Repository, own_ref


@dataclass(frozen=True, slots=True)
class Base:
    """What to build on. `tip` is the newest commit known (None: no branch yet).

    `unsent` is a commit of ours that the branch never got: its content has to be carried over. When
    the branch stands still where it began, `tip` and `unsent` are the same.
    """

    tip: str | None
    unsent: str | None = None


class Branch(Protocol):
    """Methods raise GitError; `append` with reason PushRejected or RefMoved when somebody was faster.

    Further reasons are those of `Remote.push`.
    """

    @property
    def ref(self) -> str: ...

    @property
    def repository(self) -> Repository: ...

    def base(self) -> Base:
        """What we believe the branch is at, without asking anybody."""
        ...

    def refresh(self) -> Base:
        """What the branch really is at."""
        ...

    def append(self, draft: Draft) -> str:
        """Adds a commit, and every unsent one before it; gives its id."""
        ...

    def send(self, base: Base) -> None:
        """Delivers what is unsent."""
        ...

    def check(self, commit: str) -> None:
        """Whether `append` would be let, as far as that can be known before it; writes nothing.

        `commit` is one that the repository has.
        """
        ...

    def recover(self) -> bool:
        """After an unexplained failure: whether something was damaged here and has been made anew."""
        ...


class LocalBranch:
    """A branch of a repository on this machine: only its ref moves, no work tree notices."""

    def __init__(self, repository: Repository, name: str) -> None:
        self.ref = f"refs/heads/{name}"
        self.repository = repository

    def base(self) -> Base:
        return Base(self.repository.resolve([self.ref])[0])

    def refresh(self) -> Base:
        return self.base()

    def append(self, draft: Draft) -> str:
        return self.repository.write(draft)

    def send(self, base: Base) -> None:
        """Nothing is ever unsent."""

    def check(self, commit: str) -> None:
        self.repository.check_name(self.ref)

    def recover(self) -> bool:
        """Somebody else's repository is not ours to repair."""
        return False


class RemoteBranch:
    """A branch of a mirrored repository.

    In the mirror, `refs/argos/standing/` has where we stand, commits that could not be pushed included, and
    `refs/argos/sent/` where we last knew the remote to be.
    """

    def __init__(self, mirror: Mirror, name: str) -> None:
        self.ref = f"refs/heads/{name}"
        self._here = own_ref("standing", self.ref)
        self._sent = own_ref("sent", self.ref)
        self._mirror = mirror

    @property
    def repository(self) -> Repository:
        return self._mirror.repository

    def base(self) -> Base:
        self._mirror.prepare()
        here, sent = self.repository.resolve([self._here, self._sent])
        return Base(here, here if here != sent else None)

    def refresh(self) -> Base:
        self._mirror.prepare()
        there = self._mirror.advertised(self.ref)
        here, sent = self.repository.resolve([self._here, self._sent])
        tip = there.sha if there else None
        unsent = here if here != sent else None
        if tip == sent:
            return Base(here, unsent)
        with self._mirror.writing() as repository:
            if tip is not None:
                self._mirror.remote(repository).fetch(f"+{self.ref}:{self._sent}", 1)
                tip = repository.resolve([self._sent])[0]
            elif sent is not None:
                repository.set_ref(self._sent, None)
            if here != tip:
                repository.set_ref(self._here, tip)
        return Base(tip, unsent)

    def append(self, draft: Draft) -> str:
        self._mirror.prepare()
        with self._mirror.writing() as repository:
            commit = repository.write(replace(draft, ref=self._here))
            self._push(repository, commit)
        return commit

    def send(self, base: Base) -> None:
        if base.tip is not None:
            with self._mirror.writing() as repository:
                self._push(repository, base.tip)

    def check(self, commit: str) -> None:
        tip = self.refresh().tip
        self._mirror.remote().check_push(tip or commit, self.ref, tip)

    def recover(self) -> bool:
        return self._mirror.heal()

    def _push(self, repository: Repository, commit: str) -> None:
        (sent,) = repository.resolve([self._sent])
        self._mirror.remote(repository).push(commit, self.ref, sent)
        repository.set_ref(self._sent, commit)
