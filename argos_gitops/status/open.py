"""Where branches of a configuration repository are written to."""

from pathlib import Path

from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.branch import Branch, LocalBranch, RemoteBranch
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.environment import NO_CREDENTIALS, Credentials, git_environment, redactor
from argos_gitops.vcs.locate import enclosing_work_tree, is_bare_repository
from argos_gitops.vcs.mirror import DEFAULT_LIMITS, Mirror
from argos_gitops.vcs.offer import LocalOffer, Offer, RemoteOffer
from argos_gitops.vcs.repository import Repository


def open_branch(
    repo: str, name: str, cache: Path, credentials: Credentials = NO_CREDENTIALS
) -> Branch | None:
    """The branch `name` of what `--repo` names, or None for a folder without git.

    A checkout gets the branch in its own repository, and its files never notice; everything else is
    pushed to. `cache` is the one of the source, so that both share a mirror.
    """
    match _place(repo, cache, credentials):
        case Mirror() as mirror:
            return RemoteBranch(mirror, name)
        case Repository() as repository:
            return LocalBranch(repository, name)
    return None


def open_offer(repo: str, name: str, cache: Path, credentials: Credentials = NO_CREDENTIALS) -> Offer | None:
    """The same for a branch that people may merge."""
    match _place(repo, cache, credentials):
        case Mirror() as mirror:
            return RemoteOffer(mirror, name)
        case Repository() as repository:
            return LocalOffer(repository, name)
    return None


def open_mirror(repo: str, cache: Path, credentials: Credentials = NO_CREDENTIALS) -> Mirror | None:
    """The mirror of a repository that is not a folder to work in."""
    place = _place(repo, cache, credentials)
    return place if isinstance(place, Mirror) else None


def _place(repo: str, cache: Path, credentials: Credentials) -> Mirror | Repository | None:
    address = parse_address(repo)
    if address.local is None or is_bare_repository(address.local):
        return Mirror(address, cache / "mirrors", credentials)
    work_tree = enclosing_work_tree(address.local)
    if work_tree is None:
        return None
    limit, author = DEFAULT_LIMITS.git, credentials.author
    return Repository(Git(work_tree.repository, git_environment(None), redactor(None), limit, author=author))
