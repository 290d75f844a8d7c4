"""What lies at a path of this machine: a git repository, a work tree, or a plain folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A checkout: its top folder, and its repository (for a linked work tree, the part that is its own)."""

    top: Path
    repository: Path


def local_repository(path: Path) -> Path | None:
    """The git folder of a bare repository or of the top of a work tree at `path`."""
    if is_bare_repository(path):
        return path
    dot_git = path / ".git"
    if dot_git.is_file():
        content = dot_git.read_text("utf-8", "replace").strip()
        linked = path / content.removeprefix("gitdir:").strip()
        return linked.resolve() if content.startswith("gitdir:") and linked.is_dir() else None
    return dot_git.resolve() if is_bare_repository(dot_git) else None


def enclosing_work_tree(path: Path) -> WorkTree | None:
    """The work tree that the folder `path` is part of."""
    folder = path.resolve()
    for top in (folder, *folder.parents):
        repository = local_repository(top)
        if repository is not None:
            return WorkTree(top, repository) if repository != top else None
    return None


def is_bare_repository(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()
