"""Where the status branch of a configuration repository is written to."""

from pathlib import Path

from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.branch import Branch, LocalBranch, RemoteBranch
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.environment import NO_CREDENTIALS, Credentials, git_environment, redactor
from argos_gitops.vcs.locate import enclosing_work_tree, is_bare_repository
from argos_gitops.vcs.mirror import DEFAULT_LIMITS, Mirror
from argos_gitops.vcs.repository import Repository


def open_branch(
    repo: str, name: str, cache: Path, credentials: Credentials = NO_CREDENTIALS
) -> Branch | None:
    """The branch `name` of what `--repo` names, or None for a folder without git.

    A checkout gets the branch in its own repository, and its files never notice; everything else is
    pushed to. `cache` is the one of the source, so that both share a mirror.
    """
    address = parse_address(repo)
    if address.local is None or is_bare_repository(address.local):
        return RemoteBranch(Mirror(address, cache / "mirrors", credentials), name)
    work_tree = enclosing_work_tree(address.local)
    if work_tree is None:
        return None
    git = Git(work_tree.repository, git_environment(None), redactor(None), DEFAULT_LIMITS.git)
    return LocalBranch(Repository(git), name)
