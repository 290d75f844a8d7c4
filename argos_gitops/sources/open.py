"""Chooses the Source for what `--repo` names."""

from dataclasses import dataclass
from pathlib import Path

from argos_gitops.model.errors import SettingsError, SourceError
from argos_gitops.ports.source import Snapshot, Source
from argos_gitops.sources.directory import DirectorySource
from argos_gitops.sources.git import GitSource
from argos_gitops.vcs.acceptance import Acceptances
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import NO_CREDENTIALS, Credentials
from argos_gitops.vcs.locate import enclosing_work_tree, is_bare_repository
from argos_gitops.vcs.mirror import Mirror, Terms
from argos_gitops.vcs.signatures import Keys, check_programs
from argos_gitops.vcs.trust import UNVERIFIED, Trust


@dataclass(frozen=True, slots=True)
class Verification:
    """Commits must be signed by one of `keys`; `strict`: each of them, not the newest alone.

    `record` is the file that remembers when which commit was accepted.
    """

    keys: Keys
    strict: bool = False
    record: Path | None = None


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What to read. `repo` is a folder or a git URL, `folder` the configuration inside of it.

    `ref` is a branch, tag or commit; a checkout is read as it is, uncommitted files included, unless one
    is given. Mirrors and memos live below `cache`, and may be lost at any time.
    """

    repo: str
    cache: Path
    ref: str | None = None
    folder: str = ""
    credentials: Credentials = NO_CREDENTIALS
    allow_rewrite: bool = True
    verification: Verification | None = None


class UnverifiableSource:
    """Files that no commit vouches for, where commits are to be verified."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self, rev: str | None = None) -> Snapshot:
        """Raises SourceError (reason UnverifiedCommit)."""
        raise SourceError(
            f"{self._path} is read as it is, so nobody has signed it, and verify_commits wants signatures; "
            "name a git repository or a branch (--repo, ARGOS_BRANCH), or a revision (--rev), or turn "
            "verify_commits off",
            reason=UNVERIFIED,
        )


class CheckoutSource:
    """A checkout: read as it is, uncommitted files included, or by a revision of its repository."""

    def __init__(self, directory: Source, git: GitSource) -> None:
        self._directory = directory
        self._git = git

    def fetch(self, rev: str | None = None) -> Snapshot:
        return self._directory.fetch() if rev is None else self._git.fetch(rev)


def open_source(request: SourceRequest) -> Source:
    """The Source; nothing is read yet.

    Raises SourceError for a URL, SettingsError for a path, not taken, or keys that cannot be used.
    """
    folder = clean_folder(request.folder)
    address = parse_address(request.repo)
    if address.local is None or is_bare_repository(address.local):
        return _git(request, request.repo, folder)
    directory = _directory(request, address.local, folder)
    work_tree = enclosing_work_tree(address.local)
    if work_tree is None and request.ref:
        raise SourceError(
            f"{address.local} has no git repository, so there is no {request.ref!r} in it; name one that has",
            reason="RevisionNotFound",
        )
    if work_tree is None:
        return directory
    inside = address.local.relative_to(work_tree.top)
    git = _git(request, str(work_tree.top), clean_folder(str(inside / folder)))
    return git if request.ref else CheckoutSource(directory, git)


def clean_folder(folder: str) -> str:
    """`folder` without `.`, doubled and outer slashes; SettingsError when it leads out of the repository."""
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    if ".." in parts or any(char in folder for char in "\0\n"):
        raise SettingsError(f"the configuration path {folder!r} must lie inside the repository")
    return "/".join(parts)


def _directory(request: SourceRequest, path: Path, folder: str) -> Source:
    if request.verification is not None:
        return UnverifiableSource(path)
    return DirectorySource(path, folder, request.cache / "files")


def _git(request: SourceRequest, url: str, folder: str) -> GitSource:
    address = parse_address(url)
    mirror = Mirror(address, request.cache / "mirrors", request.credentials)
    return GitSource(mirror, request.ref, folder, Terms(request.allow_rewrite, _trust(request, str(address))))


def _trust(request: SourceRequest, where: str) -> Trust | None:
    wanted = request.verification
    if wanted is None:
        return None
    check_programs(wanted.keys)
    wanted.keys.fingerprint()  # a file that cannot be read is told now, not with the first commit
    return Trust(wanted.keys, wanted.strict, where, Acceptances(wanted.record))
