"""What a merge would give, made in a mirror; nothing is pushed."""

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.mirror import HISTORY_DEPTHS, Mirror
from argos_gitops.vcs.repository import Repository

_INTO, _FROM = "refs/argos/merge/into", "refs/argos/merge/from"


def merged(mirror: Mirror, into: str, branch: str) -> str:
    """The commit that merging `branch` into the branch `into` would give, as both are now.

    That is the tip of `branch` itself where it holds all of `into`. Raises GitError: reason MergeConflict
    where git cannot merge, NoCommonHistory where the branches share no recent commit.
    """
    mirror.prepare()
    with mirror.writing() as repository:
        for depth in HISTORY_DEPTHS:
            _fetch(mirror, repository, {into: _INTO, branch: _FROM}, depth)
            if (common := _common(repository)) is not None:
                return _merge(repository, common)
    raise GitError(
        f"{branch} and {into} share none of their last {HISTORY_DEPTHS[-1]} commits; rebase {branch}",
        reason="NoCommonHistory",
    )


def _fetch(mirror: Mirror, repository: Repository, refs: dict[str, str], depth: int) -> None:
    for name, here in refs.items():
        mirror.remote(repository).fetch(f"+refs/heads/{name}:{here}", depth)


def _common(repository: Repository) -> str | None:
    """The newest commit that both hold."""
    theirs = set(repository.history(_INTO))
    return next((commit for commit in repository.history(_FROM) if commit in theirs), None)


def _merge(repository: Repository, common: str) -> str:
    into, tip = repository.resolve([_INTO, _FROM])
    if into is None or tip is None:
        raise GitError("a branch went away while it was fetched", reason="RefMoved")
    if common in (into, tip):
        return tip if common == into else into
    tree = _merged_tree(repository, into, tip)
    author = repository.git.author
    identity = ("-c", f"user.name={author.name}", "-c", f"user.email={author.address}")
    parents = ("-p", into, "-p", tip)
    made = repository.git.run(*identity, "commit-tree", tree, *parents, "-m", "What a merge would give")
    return made.decode().strip()


def _merged_tree(repository: Repository, into: str, tip: str) -> str:
    try:
        output = repository.git.run("merge-tree", "--write-tree", "--no-messages", into, tip)
    except GitError as error:
        if "exit code 1" not in str(error):
            raise
        raise GitError("git cannot merge it; solve the conflicts", reason="MergeConflict") from error
    return output.decode().split()[0]
