"""A bare, shallow, disposable mirror of a remote repository.

It keeps what was read last, so that a fetch moves only what is new, and it holds nothing that cannot be
fetched again: a damaged mirror is made anew. Under `refs/argos/tips/` stands the commit of each remote
ref that was accepted last. A failed fetch leaves it alone, and it outlives the remote's ref: one of the same
name that comes later is compared with it.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

from argos_gitops.model.errors import GitError, SourceError
from argos_gitops.vcs.address import Address
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.environment import NO_CREDENTIALS, Credentials, git_environment, redactor
from argos_gitops.vcs.locate import local_repository
from argos_gitops.vcs.lock import CACHE_UNUSABLE, exclusive, remove_stale_locks, usable
from argos_gitops.vcs.remote import UNSAFE_OBJECTS, Advertised, Remote
from argos_gitops.vcs.repository import ID_LENGTHS, TREE_TOO_LARGE, Repository, own_ref
from argos_gitops.vcs.trust import Arrival, Trust

HISTORY_REWRITTEN = "history_rewritten"
HISTORY_DEPTHS = (2, 32, 512)
"""How many commits back we look, step by step, for the one that was read last."""

_TIPS = "tips"
_ARRIVAL = "refs/argos/arrival"
"""What is being fetched and is not accepted yet."""
_INCOMING = "refs/argos/incoming"
_EVERYTHING = f"+refs/heads/*:{_INCOMING}/heads/* +refs/tags/*:{_INCOMING}/tags/*"
_FORMAT_CHANGED = "ObjectFormatChanged"
_TELLING = frozenset(
    {"Locked", "NotAFolder", CACHE_UNUSABLE, UNSAFE_OBJECTS, TREE_TOO_LARGE, _FORMAT_CHANGED}
)
_LASTING = frozenset({"GitTimeout", "Locked", CACHE_UNUSABLE, UNSAFE_OBJECTS, _FORMAT_CHANGED})
"""Reasons that a new mirror would not mend."""

_COMMIT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_ID = re.compile(r"[0-9a-f]{4,63}")


@dataclass(frozen=True, slots=True)
class Limits:
    """`git` bounds each git process, `lock` the wait for another process that uses the same mirror."""

    git: timedelta = timedelta(seconds=120)
    lock: timedelta = timedelta(seconds=120)


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a ref may move: whether its history may be rewritten, and who judges the commits."""

    allow_rewrite: bool = True
    trust: Trust | None = None


ANY_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Fetched:
    """The commit that a ref is at, and what was noticed about its history."""

    sha: str
    ref: str
    events: tuple[str, ...] = ()


class Mirror:
    """The mirror of `address` below the folder `root`; made when it is first needed."""

    def __init__(
        self,
        address: Address,
        root: Path,
        credentials: Credentials = NO_CREDENTIALS,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.address = address
        self.folder = root / mirror_name(address)
        self._limits = limits
        self._credentials = credentials
        self._used: tuple[Credentials, Repository] | None = None

    @property
    def repository(self) -> Repository:
        """With the credentials as they are now."""
        credentials, used = self._credentials.current(), self._used
        if used is None or used[0] != credentials:
            git = Git(
                self.folder,
                git_environment(None),
                redactor(self.address, credentials),
                self._limits.git,
                transport=git_environment(self.address, credentials),
                author=credentials.author,
            )
            self._used = used = (credentials, Repository(git))
        return used[1]

    def fetch(self, ref: str | None = None, terms: Terms = ANY_TERMS) -> Fetched:
        """The commit of a branch, a tag or the default branch (None), or the commit that `ref` names.

        Costs two short git processes when nothing is new. Raises SourceError (reasons RevisionNotFound,
        EmptyRepository, NonFastForward, UnverifiedCommit, Locked, else SourceError), and then changes
        nothing: what is refused never counts as the commit that was accepted last.
        """
        with self.failing_as_source():
            self.prepare()
            try:
                return self._trusted(ref, terms)
            except GitError as error:
                if error.reason in _LASTING or not self.heal():
                    raise
                self.prepare()
                return self._trusted(ref, terms)

    def heal(self) -> bool:
        """Throws the mirror away when git finds it damaged; whether it did. Raises GitError."""
        with self.writing():
            if self._is_repository() and self.repository.sound():
                return False
            with usable(self.folder):
                shutil.rmtree(self.folder)
            return True

    def prepare(self) -> None:
        """Makes the mirror when it is not there. Raises GitError."""
        if self._is_repository():
            return
        with self.writing() as repository:
            if not self._is_repository():
                shutil.rmtree(self.folder, ignore_errors=True)
                self._make(repository, "sha1")

    def _make(self, repository: Repository, object_format: str) -> None:
        with usable(self.folder):
            self.folder.mkdir(parents=True)
        init = ("init", "--quiet", "--bare", "--template=", "--initial-branch=none")
        repository.git.run(*init, f"--object-format={object_format}")

    def advertised(self, ref: str | None, *, anew: bool = False) -> Advertised | None:
        """What `Remote.find` finds, once this mirror has the object format of the remote.

        A mirror that has accepted nothing yet takes on that format. Another one does so where it may be made
        `anew`, as all that it knows is forgotten then; else GitError is raised (reason ObjectFormatChanged).
        """
        found = self.remote().find(ref)
        if found is not None:
            self._take_format_of(found.sha, anew)
        elif not self.repository.refs("refs/argos"):
            self._take_format(anew)
        return found

    def _take_format(self, anew: bool) -> None:
        """Where no ref that was asked for shows it."""
        if (any_id := self.remote().any_id()) is not None:
            self._take_format_of(any_id, anew)

    def _take_format_of(self, sha: str, anew: bool) -> None:
        if len(sha) == ID_LENGTHS[self.repository.object_format]:
            return
        if not anew and self.repository.refs(f"refs/argos/{_TIPS}"):
            raise GitError(
                f"the repository has another object format than before ({_format_of(sha)}), so that nothing "
                "shows whether it holds what was read last; allow rewritten history in the settings to "
                "follow it nevertheless",
                reason=_FORMAT_CHANGED,
            )
        with self.writing() as repository:
            with usable(self.folder):
                shutil.rmtree(self.folder)
            self._make(repository, _format_of(sha))
            self._used = None

    @contextmanager
    def writing(self) -> Iterator[Repository]:
        """Alone in this mirror until the block ends. Raises GitError (reason Locked)."""
        with exclusive(self.folder.with_name(f"{self.folder.name}.lock"), self._limits.lock) as lock:
            if self.folder.is_dir():
                remove_stale_locks(self.folder)
            yield Repository(self.repository.git.holding(lock))

    @contextmanager
    def failing_as_source(self) -> Iterator[None]:
        """Turns a GitError into the SourceError that tells which repository it was."""
        try:
            yield
        except GitError as error:
            reason = error.reason if error.reason in _TELLING else SourceError.reason
            raise SourceError(f"{self.address}: {error}", reason=reason) from error

    def remote(self, repository: Repository | None = None) -> Remote:
        return Remote(self.address, (repository or self.repository).git)

    def _trusted(self, ref: str | None, terms: Terms) -> Fetched:
        fetched = self._fetch(ref, terms)
        if terms.trust is not None:
            terms.trust.check(self.repository, fetched.sha)
        return fetched

    def _fetch(self, ref: str | None, terms: Terms) -> Fetched:
        if ref and _COMMIT_ID.fullmatch(ref):
            return Fetched(self._commit(ref, terms), ref)
        advertised = self.advertised(ref, anew=terms.allow_rewrite)
        if advertised is None:
            return Fetched(self._unadvertised(ref, terms), ref or "HEAD")
        tip = own_ref(_TIPS, advertised.name)
        known, here = self.repository.resolve([tip, f"{advertised.sha}^{{commit}}"])
        if known is not None and known == here:
            return Fetched(known, advertised.name)
        return self._advance(advertised.name, tip, known, terms)

    def _advance(self, name: str, tip: str, known: str | None, terms: Terms) -> Fetched:
        with self.writing() as repository:
            sha, rewritten = self._download(repository, name, known)
            if rewritten and not terms.allow_rewrite:
                raise SourceError(
                    f"{self.address}: {name} was rewritten: {sha[:7]} does not contain {str(known)[:7]}, "
                    "which was read last; restore the branch, or allow rewritten history in the settings",
                    reason="NonFastForward",
                )
            if terms.trust is not None:
                deepen = self._deepener(repository, [f"+{name}:{_ARRIVAL}", *([known] if known else [])])
                terms.trust.admit(Arrival(repository, sha, known, deepen))
            repository.set_ref(tip, sha)
        return Fetched(sha, name, (HISTORY_REWRITTEN,) if rewritten else ())

    def _download(self, repository: Repository, name: str, known: str | None) -> tuple[str, bool]:
        """The new commit, and whether `known` is missing from its recent history."""
        if known is None:
            return self._arrived(repository, name, 1), False
        for depth in HISTORY_DEPTHS:
            sha = self._arrived(repository, name, depth)
            history = repository.history(sha)
            if known in history:
                return sha, False
            if len(history) < depth:
                break
        return sha, True

    def _arrived(self, repository: Repository, name: str, depth: int) -> str:
        """The commit that the remote's ref `name` is at, fetched with so much of its history."""
        self.remote(repository).fetch(f"+{name}:{_ARRIVAL}", depth)
        (sha,) = repository.resolve([f"{_ARRIVAL}^{{commit}}"])
        if sha is None:
            raise SourceError(
                f"{self.address}: {name} names a {repository.kind(_ARRIVAL)}, not a commit; "
                "name a branch, or a tag of a commit",
                reason="RevisionNotFound",
            )
        return sha

    def _deepener(self, repository: Repository, refspecs: Sequence[str]) -> Callable[[int], None]:
        """Gets more history of a ref, and of a commit that the remote may have forgotten."""

        def deepen(depth: int) -> None:
            first, *others = refspecs
            self.remote(repository).fetch(first, depth)
            for commit in others:
                with suppress(GitError):
                    self.remote(repository).fetch(commit, depth)

        return deepen

    def _commit(self, name: str, terms: Terms) -> str:
        """The commit with the id `name`, or that the tag object with this id is of."""
        (commit,) = self.repository.resolve([f"{name}^{{commit}}"])
        if commit is not None:
            return commit
        self._take_format(terms.allow_rewrite)
        with self.writing() as repository:
            try:
                self.remote(repository).fetch(name, 1)
            except GitError as error:
                if "unadvertised object" not in str(error):
                    raise self._not_found(name) if _unknown(error) else error from error
                self.remote(repository).fetch(_EVERYTHING, None)
        (commit,) = self.repository.resolve([f"{name}^{{commit}}"])
        if commit is None:
            raise self._not_found(name)
        return commit

    def _unadvertised(self, ref: str | None, terms: Terms) -> str:
        """The commit for what no ref is called: a short id, or an expression of a local repository."""
        if ref is None:
            raise self._without_default()
        found = self._in_origin(ref, terms)
        if found is None and _SHORT_ID.fullmatch(ref):
            found = self._by_short_id(ref, terms)
        if found is None:
            raise self._not_found(ref)
        return found

    def _in_origin(self, expression: str, terms: Terms) -> str | None:
        folder = local_repository(self.address.local) if self.address.local else None
        if folder is None:
            return None
        git = self.repository.git
        origin = Repository(Git(folder, git.environment, git.redact, git.timeout))
        commit = origin.resolve([f"{expression}^{{commit}}"])[0]
        return self._commit(commit, terms) if commit else None

    def _by_short_id(self, short: str, terms: Terms) -> str | None:
        name = f"{short}^{{commit}}"
        found = self.repository.resolve([name])[0]
        if found is None:
            self._take_format(terms.allow_rewrite)
            with self.writing() as repository:
                self.remote(repository).fetch(_EVERYTHING, None)
            found = self.repository.resolve([name])[0]
        return found

    def _is_repository(self) -> bool:
        return all((self.folder / part).exists() for part in ("HEAD", "config", "objects", "refs"))

    def _without_default(self) -> SourceError:
        if self.remote().any_id() is None:
            return SourceError(
                f"{self.address}: the repository has no commit yet; push one", reason="EmptyRepository"
            )
        return SourceError(
            f"{self.address}: the default branch does not exist; name a branch", reason="RevisionNotFound"
        )

    def _not_found(self, ref: str) -> SourceError:
        return SourceError(
            f"{self.address}: no branch, tag or commit is called {ref!r}; see git ls-remote",
            reason="RevisionNotFound",
        )


def _format_of(sha: str) -> str:
    return next(name for name, length in ID_LENGTHS.items() if length == len(sha))


def _unknown(error: GitError) -> bool:
    """Whether the remote has no such object; git says the latter where the id is none of its format."""
    return "not our ref" in str(error) or "couldn't find remote ref" in str(error)


def mirror_name(address: Address) -> str:
    """A folder name that says which repository it is, and is the same for all its spellings."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", address.identity.rsplit("/", 1)[-1]).strip("-") or "repository"
    return f"{stem}-{blake2b(address.identity.encode(), digest_size=6).hexdigest()}.git"
