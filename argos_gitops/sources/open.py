"""Chooses the Source for what `--repo` names."""

from dataclasses import dataclass
from pathlib import Path

from argos_gitops.model.errors import SettingsError, SourceError
from argos_gitops.ports.source import Snapshot, Source
from argos_gitops.sources.directory import DirectorySource
from argos_gitops.sources.git import GitSource
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import NO_CREDENTIALS, Credentials
from argos_gitops.vcs.locate import enclosing_work_tree, is_bare_repository
from argos_gitops.vcs.mirror import Mirror


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


class CheckoutSource:
    """A checkout: read as it is, uncommitted files included, or by a revision of its repository."""

    def __init__(self, directory: DirectorySource, git: GitSource) -> None:
        self._directory = directory
        self._git = git

    def fetch(self, rev: str | None = None) -> Snapshot:
        return self._directory.fetch() if rev is None else self._git.fetch(rev)


def open_source(request: SourceRequest) -> Source:
    """The Source; nothing is read yet. Raises SourceError for a URL, SettingsError for a path, not taken."""
    folder = clean_folder(request.folder)
    address = parse_address(request.repo)
    if address.local is None or is_bare_repository(address.local):
        return _git(request, request.repo, folder)
    directory = DirectorySource(address.local, folder, request.cache / "files")
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


def _git(request: SourceRequest, url: str, folder: str) -> GitSource:
    mirror = Mirror(parse_address(url), request.cache / "mirrors", request.credentials)
    return GitSource(mirror, request.ref, folder, allow_rewrite=request.allow_rewrite)
