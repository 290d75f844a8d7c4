"""A git repository as a Source: commits come into a mirror, and files are read out of its object store."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from argos_gitops.model.errors import GitError, SourceError
from argos_gitops.model.source import Revision, SourceFile
from argos_gitops.vcs.mirror import ANY_TERMS, Fetched, Mirror, Terms
from argos_gitops.vcs.objects import EMPTY_TREE
from argos_gitops.vcs.repository import TREE_TOO_LARGE, UNSAFE_PATH, Commit

CONFIG_PATH_MISSING = "config_path_missing"
_NO_DAMAGE = ("NotAFolder", TREE_TOO_LARGE)


class GitSnapshot:
    """The files of one commit below the configuration folder."""

    def __init__(
        self, mirror: Mirror, revision: Revision, events: tuple[str, ...], files: Sequence[SourceFile]
    ) -> None:
        self._mirror = mirror
        self._revision = revision
        self._events = events
        self._files = files

    @property
    def revision(self) -> Revision:
        return self._revision

    @property
    def events(self) -> Sequence[str]:
        return self._events

    def files(self) -> Sequence[SourceFile]:
        return self._files

    def read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Raises SourceError (reason MissingObject, TruncatedObject) when the mirror is damaged.

        Then the mirror is thrown away, so that the next fetch makes it anew.
        """
        if not blobs:
            return
        with self._mirror.failing_as_source():
            try:
                yield from self._mirror.repository.read_blobs(blobs)
            except GitError:
                self._mirror.heal()
                raise


class GitSource:
    """One ref of one repository. A folder that the commit lacks gives a snapshot without files.

    That is no SourceError, because a person may have meant it: the plan lists what would be deleted,
    and the guard asks for an approval.
    """

    def __init__(
        self, mirror: Mirror, ref: str | None = None, folder: str = "", terms: Terms = ANY_TERMS
    ) -> None:
        self._mirror = mirror
        self._ref = ref
        self._folder = folder
        self._terms = terms
        self._last: GitSnapshot | None = None

    def fetch(self, rev: str | None = None) -> GitSnapshot:
        """The newest commit of the ref, or the one that `rev` names; raises SourceError."""
        fetched = self._mirror.fetch(rev or self._ref, self._terms)
        if self._last and not fetched.events and _is_at(self._last.revision, fetched):
            return self._again(self._last)
        with self._mirror.failing_as_source():
            try:
                snapshot = self._snapshot(fetched)
            except GitError as error:
                if error.reason == UNSAFE_PATH:
                    raise self._unsafe(fetched, error) from error
                if error.reason in _NO_DAMAGE or not self._mirror.heal():
                    raise
                again = self._mirror.fetch(rev or self._ref, self._terms)
                snapshot = self._snapshot(replace(again, events=fetched.events))
        if rev is None:
            self._last = snapshot
        return snapshot

    def _again(self, last: GitSnapshot) -> GitSnapshot:
        """The same commit without the events that were told with it the first time."""
        missing = tuple(event for event in last.events if event == CONFIG_PATH_MISSING)
        return GitSnapshot(self._mirror, last.revision, missing, last.files())

    def _snapshot(self, fetched: Fetched) -> GitSnapshot:
        commit = self._mirror.repository.commit(fetched.sha, self._folder)
        if commit is None:
            raise SourceError(
                f"{self._mirror.address}: commit {fetched.sha} is gone from the mirror",
                reason="MissingObject",
            )
        revision = _revision(commit, _short_ref(fetched.ref))
        if commit.tree is None:
            return GitSnapshot(self._mirror, revision, (*fetched.events, CONFIG_PATH_MISSING), ())
        return GitSnapshot(self._mirror, revision, fetched.events, self._files(commit.tree))

    def _unsafe(self, fetched: Fetched, error: GitError) -> SourceError:
        inside = f" (below {self._folder})" if self._folder else ""
        return SourceError(
            f"{self._mirror.address}: commit {fetched.sha[:12]} has a path that is not used{inside}: "
            f"{error}; nothing of the commit is used. Remove or rename it with git, and commit again",
            reason=UNSAFE_PATH,
        )

    def _files(self, tree: str) -> Sequence[SourceFile]:
        if self._last and self._last.revision.tree == tree:
            return self._last.files()
        return self._mirror.repository.entries(tree)


def _is_at(revision: Revision, fetched: Fetched) -> bool:
    return (revision.sha, revision.ref) == (fetched.sha, _short_ref(fetched.ref))


def _revision(commit: Commit, ref: str) -> Revision:
    return Revision(commit.sha, commit.tree or EMPTY_TREE, ref, commit.subject, commit.committed_at)


def _short_ref(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
