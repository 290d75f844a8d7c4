"""What merging a pull request would change: planned by an Application of its own, which writes nothing.

The pull request decides what is planned, never whom we ask: a target that it changes could send our
credentials to an address of its choice, so that it is then told, and not planned.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from argos_gitops.model.errors import GitError, ManifestError, ReportError, SourceError
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.planning.render import markdown, problems
from argos_gitops.status.forge.access import InForce
from argos_gitops.status.forge.forge import PullRequest
from argos_gitops.status.open import open_mirror
from argos_gitops.vcs.merging import merged

if TYPE_CHECKING:
    from argos_gitops.app.application import Application


class Previewer:
    """`another` makes an Application with the same settings, used for one pull request and closed."""

    def __init__(self, another: "Callable[[], Application]") -> None:
        self._another = another

    def __call__(self, pull: PullRequest, in_force: InForce) -> str:
        with closing(self._another()) as application:
            try:
                return _preview(application, pull, in_force)
            except ManifestError as error:
                return problems.markdown(error.problems)
            except (GitError, SourceError) as error:
                return f"There is no plan: {markdown.escape(str(error))}\n"


def moved_targets(
    kinds: frozenset[str], proposed: ResourceSet, in_force: ResourceSet
) -> Iterator[ResourceKey]:
    """The targets that a revision adds, changes or takes away."""
    for kind in sorted(kinds):
        before, after = in_force.of_kind(kind), proposed.of_kind(kind)
        for name in sorted({*before, *after}):
            old, new = before.get(name), after.get(name)
            if old is None or new is None or old.digest != new.digest:
                yield ResourceKey(kind, name)


def _preview(application: "Application", pull: PullRequest, in_force: InForce) -> str:
    request = application.source_request
    mirror = open_mirror(request.repo, request.cache, request.credentials)
    if mirror is None:
        raise ReportError("a folder has no pull requests; follow the repository by its URL")
    sha = merged(mirror, in_force.revision.ref, pull.branch)
    loaded = application.load(application.source.fetch(sha))
    if loaded.problems:
        raise ManifestError(loaded.problems)
    kinds = frozenset(spec.target_kind for spec in application.specs)
    moved = [str(key) for key in moved_targets(kinds, loaded.resources, in_force.resources)]
    if moved:
        return (
            f"Valid. It changes {markdown.escape(', '.join(moved))} and is therefore not planned: nobody but "
            "the followed branch says where the agent goes with its credentials.\n"
        ) + (f"\n{problems.markdown((), loaded.warnings)}" if loaded.warnings else "")
    return markdown.render(application.plan(sha), application.now())
